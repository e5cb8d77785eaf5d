"""What benchmarks make for themselves on first use is made by one of those that run at once."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator

from benchmarks.support.processes import ROOT

FOLDER = ROOT / "var" / "benchmarks"


@contextlib.contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Let one thread of one process at a time into the block, among all that make `what`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{what}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
