"""SQLite's online backup: a consistent copy while others write, and an atomic copy back.

https://www.sqlite.org/backup.html
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from realtime.backups.epochs import rotation
from realtime.backups.errors import BackupError

LOCK_TIMEOUT = 20.0


def dump(settings: dict[str, Any], target: Path) -> None:
    """Copy the database of these Django settings to a new file.

    Raises:
        BackupError: the database does not exist or cannot be read.
    """
    source = Path(settings["NAME"])
    if not source.exists():
        raise BackupError(f"There is no database {source} yet.")
    try:
        with closing(_open(source)) as database, closing(_open(target)) as copy:
            database.backup(copy)
            # Keeps the copy in a single file, without a write-ahead log.
            copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise BackupError(f"The database {source} cannot be copied: {error}.") from error


def load(settings: dict[str, Any], dumped: Path) -> None:
    """Replace the database with the dump, which gets new epochs first.

    Processes that have the file open see either the old or the new database, never a mix.

    Raises:
        BackupError: the dump is damaged, or the database cannot be written.
    """
    target = Path(settings["NAME"])
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with closing(_open(dumped)) as copy:
            [verdict] = copy.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise BackupError(f"The database in the backup is damaged: {verdict}.")
            with copy:
                copy.execute(rotation("sqlite"))
            with closing(_open(target)) as database:
                copy.backup(database)
    except sqlite3.Error as error:
        raise BackupError(f"The database {target} cannot be restored: {error}.") from error


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=LOCK_TIMEOUT)
