"""The commands that wait for their replies."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import PitwallError
from .frames import Frame


class Replies:
    """The replies that are waited for, by command id."""

    def __init__(self) -> None:
        self._futures: dict[int, asyncio.Future[Frame]] = {}

    def __bool__(self) -> bool:
        return bool(self._futures)

    @contextmanager
    def expected(self, command_id: int) -> Iterator[asyncio.Future[Frame]]:
        """Yield the future reply to a command; forget it at the end."""
        future = self._futures[command_id] = asyncio.get_running_loop().create_future()
        try:
            yield future
        finally:
            self._futures.pop(command_id, None)

    def settle(self, command_id: int, frame: Frame) -> None:
        """Hand a reply to the command that waits for it, if any still does."""
        future = self._futures.get(command_id)
        if future is not None and not future.done():
            future.set_result(frame)

    def fail(self, error: PitwallError) -> None:
        """Raise an error in every waiting command."""
        for future in self._futures.values():
            if not future.done():
                future.set_exception(error)
                # A command that is still sending gets the error from `send` and never reads this
                # one: mark it as retrieved, or asyncio would log it.
                future.exception()
