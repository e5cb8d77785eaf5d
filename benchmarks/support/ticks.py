"""The tick that every peer sends: 230 bytes of JSON with its number and time."""

from __future__ import annotations

import json
import os

BYTES = int(os.environ.get("BENCH_TICK_BYTES", "230"))


def text(number: int, at: float, **fields: int | str) -> str:
    """Return a peer's tick, padded to BYTES."""
    bare = json.dumps({"type": "tick", **fields, "q": number, "t": at, "pad": ""})
    return bare[:-2] + "x" * (BYTES - len(bare)) + bare[-2:]
