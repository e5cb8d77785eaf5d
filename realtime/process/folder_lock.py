"""One server for a data folder, where processes cannot wake each other: without Redis.

Two servers on one folder would each miss what the other one does. The lock is flock(2) on a file in
the folder: the kernel releases it however its holder ends, so a crashed one blocks nobody.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

NAME = "server.lock"

_held: set[Path] = set()


class FolderInUse(Exception):
    """Another process has the folder; the message is one line that names it."""


@contextmanager
def hold(purpose: str, *, alone: bool = False) -> Iterator[None]:
    """Hold the installation's data folder during the block.

    Does nothing where several processes may share it, and where this process has it already.

    Args:
        purpose: what this process does, for others to be told: "serves it on port 8000".
        alone: nobody else may hold it; else only a process that wants it alone may not.

    Raises:
        FolderInUse: another process has it.
    """
    with ExitStack() as stack:
        for place in _places():
            if place not in _held:
                stack.enter_context(_locked(place, purpose, alone=alone))
        yield


def _places() -> list[Path]:
    """Return the files to lock: in the data folder, and beside a database that is elsewhere."""
    if settings.REDIS_URL:
        return []
    places = [Path(settings.DATA_DIR) / NAME]
    if connection.vendor == "sqlite":
        database = Path(str(connection.settings_dict["NAME"])).absolute()
        if database.parent.is_dir() and database.parent != places[0].parent:
            places.append(database.with_name(f"{database.name}.{NAME}"))
    return places


@contextmanager
def _locked(place: Path, purpose: str, *, alone: bool) -> Iterator[None]:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Never removed: another process might hold the removed file while a third one makes it anew.
    with open(os.open(place, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = file.read().strip() or "another process has it"
            raise FolderInUse(
                f"{place.parent} is in use: {holder}. Stop that process first, or set "
                "PITWALL_DATA_DIR to another folder."
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} {purpose}")
        file.flush()
        _held.add(place)
        try:
            yield
        finally:
            _held.discard(place)
            file.truncate(0)
