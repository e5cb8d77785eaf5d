"""An event loop in its own thread, for socket clients alongside a synchronous browser driver."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")


class BackgroundLoop:
    """Runs coroutines for synchronous code.

    The browser driver occupies the main thread's event loop, so asyncio.run cannot be used there.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Result], *, within: float = 60.0) -> Result:
        """Return the coroutine's result, or raise what it raises.

        Raises:
            TimeoutError: it took longer than `within` seconds.
        """
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(within)
        finally:
            # After a timeout, it would otherwise continue during the next test.
            future.cancel()

    @contextmanager
    def beside(self, coroutine: Coroutine[Any, Any, Any]) -> Iterator[None]:
        """Run a coroutine during the block; then cancels it and closes what it had open."""
        task = self.run(self._begin(coroutine))
        try:
            yield
        finally:
            self.run(self._end(task))

    async def _begin(self, coroutine: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        return asyncio.create_task(coroutine)

    async def _end(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    def close(self) -> None:
        """Stop the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
