"""The data folder, and everything in it, is for its owner alone: 700 and 600."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

OTHERS = 0o077
# What Pitwall writes; the folder may hold files of others that are none of its business.
OWN = (".env", "*.txt", "*.log", "*.lock", "*.sqlite3*", "mail", "uploads")


def close_to_others(folder: Path) -> None:
    """Let this process make files for its owner only, and mend a folder that others could enter.

    What was mended is said on stderr.

    Raises:
        ImproperlyConfigured: the folder is open to others and cannot be mended, because it is
            somebody else's or everybody's.
    """
    os.umask(OTHERS)
    try:
        found = folder.stat()
    except FileNotFoundError:
        return  # made closed by the first that writes to it
    mode = stat.S_IMODE(found.st_mode)
    if mode & OTHERS:
        if mode & stat.S_ISVTX or os.geteuid() not in (0, found.st_uid):
            raise ImproperlyConfigured(
                f"PITWALL_DATA_DIR: others may read {folder} ({mode:o}), and it is not this user's "
                "alone: name a folder in it, which is made at the start."
            )
        folder.chmod(mode & ~OTHERS)
    mended = [path for path in _own(folder, deep=bool(mode & OTHERS)) if _mend(path)]
    if mode & OTHERS or mended:
        what = f"{folder} ({mode:o})" if mode & OTHERS else f"files in {folder}"
        sys.stderr.write(f"Pitwall: others could read {what}; only its owner can now.\n")


def _own(folder: Path, *, deep: bool) -> Iterator[Path]:
    """Yield what Pitwall has written there; `deep`: with all that is in its folders."""
    for pattern in OWN:
        for path in folder.glob(pattern):
            yield path
            if deep and path.is_dir() and not path.is_symlink():
                yield from path.rglob("*")


def _mend(path: Path) -> bool:
    """Close a file or folder to others; false if it was, or is not this user's."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode) or not mode & OTHERS:
            return False
        path.chmod(stat.S_IMODE(mode) & ~OTHERS)
    except OSError:
        return False
    return True
