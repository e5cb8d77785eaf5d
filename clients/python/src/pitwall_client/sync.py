"""The client for programs without an event loop: scripts, notebooks, threads."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, aclosing
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from . import client
from .credentials import Credentials
from .errors import ConnectionClosedError
from .frames import Frame
from .state import State as State

T = TypeVar("T")


class Client:
    """A `pitwall_client.Client` whose methods wait instead of being awaited.

        with Client("ws://127.0.0.1:8000/ws/dashboard/", Token(token)) as client:
            client.command("subscribe", metrics=["cpu_usage"])
            for event in client.events(within=60):
                ...

    The connection lives on an event loop in a thread of its own, so heartbeats are answered while
    the program computes. Any thread may call the methods.

    Args:
        url: `ws://` or `wss://` address of the endpoint.
        credentials: as for `pitwall_client.Client`.
        options: its other arguments. `on_state` is called in the loop's thread.

    Raises:
        ValueError: `url` is not a WebSocket address.
    """

    def __init__(self, url: str, credentials: Credentials | None = None, **options: Any) -> None:
        self._client = client.Client(url, credentials, **options)
        self._portal: BlockingPortal | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Connect; raises what `async with pitwall_client.Client(...)` does."""
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal())
            stack.enter_context(portal.wrap_async_context_manager(self._client))
            self._portal = portal
            self._open = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection, and end the thread."""
        self._portal = None
        self._open.close()

    @property
    def state(self) -> State:
        """The state of the connection."""
        return self._client.state

    def command(self, action: str, /, *, within: float = 30.0, **fields: Any) -> Frame:
        """Send a command and return its reply; see `pitwall_client.Client.command`."""
        return self._wait(partial(self._client.command, action, within=within, **fields))

    def send(self, frame: Mapping[str, Any] | str | bytes) -> None:
        """Send one frame unchanged; see `pitwall_client.Client.send`."""
        self._wait(partial(self._client.send, frame))

    def event(self, kind: str, /, *, within: float = 10.0, **fields: Any) -> Frame:
        """Return the oldest unread event of a type; see `pitwall_client.Client.event`."""
        return self._wait(partial(self._client.event, kind, within=within, **fields))

    def events(self, *, within: float | None = None) -> Iterator[Frame]:
        """Yield every event in order, until the connection is closed for good.

        Args:
            within: seconds without an event after which the iteration ends. None waits for ever.

        Raises:
            ConnectionClosedError: the connection was closed for good with a code other than 1000,
                or is not open.
        """
        while (event := self._wait(partial(self._next, within))) is not None:
            yield event

    def __iter__(self) -> Iterator[Frame]:
        """Yield every event in order, as `events()` does."""
        return self.events()

    async def _next(self, within: float | None) -> Frame | None:
        try:
            async with asyncio.timeout(within), aclosing(aiter(self._client)) as events:
                return await anext(events, None)
        except TimeoutError:
            return None

    def _wait(self, call: Callable[[], Awaitable[T]]) -> T:
        portal = self._portal
        if portal is None:
            raise ConnectionClosedError(None, "not open: use the client in `with`")
        return portal.call(call)
