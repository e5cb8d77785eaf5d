"""Storage of uploaded files: written aside, moved into place when complete, found by a key.

A key is random and reveals nothing about the file. A file is written in `incoming/` until it is
complete; the retention worker removes leftovers of crashes there. All calls block: run them in a
thread.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from chat.files import images, media_types
from realtime.errors import InvalidCommand, Reason, TooLarge, Unavailable

_KEY = re.compile(r"[0-9a-f]{32}")
SHARDS = 256


@dataclass(frozen=True)
class Stored:
    """A stored file. `size` is in bytes; `width` and `height` are in pixels, for images only."""

    key: str
    size: int
    content_type: str
    width: int | None = None
    height: int | None = None


class Incoming:
    """A file being uploaded. Write chunks to it, then `finish` or `discard` it.

    Args:
        limit: the largest size in bytes; None: settings.MAX_UPLOAD_BYTES.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.size = 0
        self._limit = settings.MAX_UPLOAD_BYTES if limit is None else limit
        self._head = b""
        self._path: Path = folder() / "incoming" / secrets.token_hex(16)
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            self._file: BinaryIO = os.fdopen(descriptor, "w+b")
        except OSError as error:
            raise _no_disk() from error

    def write(self, chunk: bytes) -> None:
        """Append to the file; on any error nothing of it is left.

        Raises:
            TooLarge: the file is larger than the limit.
            Unavailable: writing to the disk failed.
        """
        self.size += len(chunk)
        if self.size > self._limit:
            self.discard()
            raise too_large(self._limit)
        if len(self._head) < media_types.HEAD_BYTES:
            self._head += chunk[: media_types.HEAD_BYTES - len(self._head)]
        try:
            self._file.write(chunk)
        except OSError as error:
            self.discard()
            raise _no_disk() from error

    def finish(self) -> Stored:
        """Determine the file's type and dimensions, and move it into place.

        Raises:
            InvalidCommand: it is empty.
            Unavailable: writing to the disk failed.
        """
        if not self.size:
            self.discard()
            raise InvalidCommand.field("file", "The file is empty.")
        content_type = media_types.sniff(self._head)
        size = self._measure(content_type)
        key = self._path.name
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            place = _place(key)
            place.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(self._path, place)
        except OSError as error:
            self.discard()
            raise _no_disk() from error
        # A file that only claims to be an image is stored like any other file.
        return Stored(key, self.size, content_type, *(size or (None, None)))

    def _measure(self, content_type: str) -> images.Size | None:
        if content_type not in media_types.INLINE:
            return None
        self._file.seek(0)
        try:
            return images.measure(self._file, content_type)
        except images.NotAnImage:
            return None

    def discard(self) -> None:
        """Remove the file; calling it twice is harmless."""
        # Closing may fail to write the rest, which is not needed.
        with contextlib.suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)


def folder() -> Path:
    return Path(settings.UPLOADS_DIR)


def opened(key: str) -> BinaryIO:
    """Open the file of `key` for reading.

    Raises:
        FileNotFoundError: there is none.
    """
    return open(_place(key), "rb")


def remove(keys: Iterable[str]) -> None:
    """Remove files; missing ones are not an error."""
    for key in keys:
        _place(key).unlink(missing_ok=True)


def keys_in(shard: int) -> Iterator[tuple[str, float]]:
    """Yield the keys in one of the SHARDS parts of the folder, with each file's age in seconds."""
    return _listed(folder() / f"{shard:02x}")


def sweep_incoming(older_than: float) -> None:
    """Remove unfinished files that are more than `older_than` seconds old."""
    for name, age in _listed(folder() / "incoming"):
        if age > older_than:
            (folder() / "incoming" / name).unlink(missing_ok=True)


def _listed(part: Path) -> Iterator[tuple[str, float]]:
    try:
        entries = list(os.scandir(part))
    except FileNotFoundError:
        return
    now = time.time()
    for entry in entries:
        try:
            if _KEY.fullmatch(entry.name):
                yield entry.name, now - entry.stat().st_mtime
        except FileNotFoundError:
            continue


def _place(key: str) -> Path:
    if not _KEY.fullmatch(key):
        raise FileNotFoundError(key)
    return folder() / key[:2] / key


def too_large(limit: int) -> TooLarge:
    return TooLarge.field("size", Reason("A file may have at most %(most)d bytes.", most=limit))


def _no_disk() -> Unavailable:
    return Unavailable("The server cannot store the file now: try again later.")
