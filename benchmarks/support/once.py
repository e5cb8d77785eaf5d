"""A lock for files that benchmarks create on first use, in case several run at once."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator

from benchmarks.support.processes import ROOT

FOLDER = ROOT / "var" / "benchmarks"


@contextlib.contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Let only one thread of one process at a time into the block for `what`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{what}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
