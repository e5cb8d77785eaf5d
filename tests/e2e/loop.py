"""Socket clients beside a synchronous browser driver: an event loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
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
        return self.start(coroutine).result(within)

    def start(self, coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Let a coroutine run. Cancelling the future cancels it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def close(self) -> None:
        """Stop the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
