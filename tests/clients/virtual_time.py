"""An event loop whose clock jumps to the next timer: minutes of waiting take no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
# Seconds of virtual time after which a test has failed.
DEADLINE = 3_600.0


class _NoWaiting(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Moves the clock on by as long as it is asked to wait."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "nothing would ever happen again"
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """For code without I/O: what another process does takes no time here."""

    def __init__(self) -> None:
        self._virtual = _NoWaiting()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def play(main: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, float]:
    """Run a coroutine function; returns its result and the virtual seconds that it took."""

    async def bounded() -> T:
        async with asyncio.timeout(DEADLINE):
            return await main()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        result = runner.run(bounded())
        return result, runner.get_loop().time()
