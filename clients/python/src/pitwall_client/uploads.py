"""Files on their way to the server."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from .errors import UnreachableError


class Upload:
    """A file that can be sent more than once.

    Args:
        source: a path, which is opened and closed here, or an open binary file, which is read
            from its current position and left open.
    """

    def __init__(self, source: Path | BinaryIO) -> None:
        self._owned = isinstance(source, Path)
        self._file: BinaryIO = source.open("rb") if isinstance(source, Path) else source
        self._start = self._file.tell() if self._file.seekable() else None
        self._begun = False

    def __enter__(self) -> Self:
        """Return the upload itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file if it was opened here."""
        if self._owned:
            self._file.close()

    def fields(
        self, *, room: str, name: str | None, content_type: str | None
    ) -> Callable[[], dict[str, Any]]:
        """Return a function that returns the form's fields, as httpx takes them."""
        own_name = getattr(self._file, "name", None)
        shown = name or (Path(own_name).name if isinstance(own_name, str) else "file")
        part = (shown, self._file, content_type or "application/octet-stream")

        def fields() -> dict[str, Any]:
            if self._start is not None:
                self._file.seek(self._start)
            elif self._begun:
                raise UnreachableError("the server is busy, and this file cannot be read again")
            self._begun = True
            return {"data": {"room": room}, "files": {"file": part}}

        return fields
