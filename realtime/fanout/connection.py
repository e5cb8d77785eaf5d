"""One socket as the Hub sees it: its subscriptions, its positions, and whether it can take more."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from realtime.auth import Principal
from realtime.database.threads import DATABASE_AWAY
from realtime.fanout.frames import Bundle
from realtime.fanout.outlets import Outlet
from realtime.protocol import rfc3339
from realtime.streams.log import StreamKey

logger = logging.getLogger(__name__)

CLOSE_DEADLINE = 2.0
# Pushes that belong to no stream and wait for a connection; the oldest are dropped.
MAX_PUSHES_WAITING = 32
# Number of checks for progress within the timeout of a slow peer.
LOOKS = 5
# Seconds before the database is queried again.
RETRY_AFTER = 1.0


class Subscription(ABC):
    """One connection's subscription to one stream, with its position. Each kind has its own class.

    Attributes:
        lossless: nothing of the stream may be skipped. It is caught up last, since it is long, and
            a peer that takes nothing of it is closed in the end.
    """

    __slots__ = ()
    lossless: ClassVar[bool] = False

    @property
    def offset(self) -> int | None:
        """The last offset that was written, for heartbeats; None for kinds without offsets."""
        return None

    @property
    @abstractmethod
    def behind(self) -> bool:
        """True if something has not been written yet."""

    @abstractmethod
    async def send_next(self, connection: Connection) -> None:
        """Write the next batch that `connection` has not received."""

    @abstractmethod
    def end(self, connection: Connection) -> None:
        """Stop pushing to `connection`."""


class ConnectionRow(Protocol):
    """Connections that are written to without checking each one (realtime.fanout.audience.Row)."""

    frames: int

    def step_aside(self, connection: Connection) -> None:
        """Take `connection` out of the row, so that it is checked before each write."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The client at the other end, as the upgrade request describes it."""

    address: str = ""
    user_agent: str = ""
    endpoint: str = ""


@dataclass(eq=False, slots=True)
class Connection:
    """A socket with its subscriptions. All its methods belong to the event loop's thread."""

    client_id: str
    outlet: Outlet
    close: Callable[..., Awaitable[None]]
    slow_consumer_timeout: float
    principal: Principal | None = None
    peer: Peer = field(default_factory=Peer)
    connected_at: float = field(default_factory=time.time)
    # By kind and key; feeds add and remove them (realtime.fanout.feeds).
    subscriptions: dict[tuple[str, StreamKey], Subscription] = field(default_factory=dict)
    frames_in: int = 0
    heard_at: float = field(default_factory=time.monotonic)
    checked_at: float = field(default_factory=time.monotonic)
    round_trip: float | None = None
    skipped: int = 0
    closing: bool = False
    held: bool = False
    # Called with the stream and the event (its JSON) that ended a subscription (streams.exits).
    on_put_out: Callable[[StreamKey, str], None] | None = None
    _pushes: deque[Bundle] = field(default_factory=lambda: deque(maxlen=MAX_PUSHES_WAITING))
    pumping: asyncio.Task[None] | None = None
    _frames_written: int = 0
    # Each row that it is in, with the frames written to that row before it joined.
    _rows: dict[ConnectionRow, int] = field(default_factory=dict)

    @property
    def frames_out(self) -> int:
        """Messages written so far."""
        in_rows = sum(row.frames - before for row, before in self._rows.items())
        return self._frames_written + in_rows

    @property
    def ready(self) -> bool:
        """True if pushes may be written now.

        While a reply is being made, pushes wait for it; while older ones are still being sent,
        newer ones queue behind them.
        """
        return not (self.held or self.closing or self.pumping) and self.outlet.ready

    def write(self, bundle: Bundle) -> None:
        if not self.closing:
            self.outlet.write(bundle)
            self.count(bundle)

    def count(self, bundle: Bundle) -> None:
        """Count a bundle that was written."""
        self._frames_written += len(bundle)

    def enter(self, row: ConnectionRow) -> None:
        """Join `row`: this connection can now be written to together with others."""
        self._rows[row] = row.frames

    def leave(self, row: ConnectionRow) -> None:
        """Leave `row`."""
        self._frames_written += row.frames - self._rows.pop(row)

    def step_aside(self) -> None:
        """Leave every row: this connection cannot be written to together with others now."""
        for row in list(self._rows):
            row.step_aside(self)

    def push(self, bundle: Bundle) -> None:
        """Send a bundle of no stream: now, or when this connection can take it again."""
        if self.ready:
            self.write(bundle)
        else:
            self.push_later(bundle)

    def push_later(self, bundle: Bundle) -> None:
        """Send a bundle of no stream when this connection can take it again."""
        self._pushes.append(bundle)
        self.pump()

    def statistics(self) -> dict[str, Any]:
        """Return statistics of this connection; `round_trip` in seconds, null before the first."""
        followed = sorted({key.name for _, key in self.subscriptions})
        return {
            "endpoint": self.peer.endpoint,
            "address": self.peer.address,
            "user_agent": self.peer.user_agent,
            "connected_at": rfc3339(self.connected_at),
            "frames_in": self.frames_in,
            "frames_out": self.frames_out,
            "skipped": self.skipped,
            "round_trip": None if self.round_trip is None else round(self.round_trip, 6),
            "subscriptions": followed,
        }

    def offsets(self) -> dict[str, int]:
        """Return the last written offset of each stream that has offsets, by stream name."""
        positions = {key.name: s.offset for (_, key), s in self.subscriptions.items()}
        return {name: offset for name, offset in positions.items() if offset is not None}

    def hold(self) -> None:
        """Hold pushes back: the reply to a command comes before what it subscribes to."""
        self.held = True
        self.step_aside()

    def release(self) -> None:
        """Let pushes through, and send those that were held back."""
        self.held = False
        if self._pushes:
            self.pump()
            return
        for subscription in self.subscriptions.values():
            if subscription.behind:
                self.pump()
                return

    def put_out(self, key: StreamKey, payload: str) -> None:
        """End all subscriptions to a stream, since an event of its log (an exit) ended one."""
        for place, subscription in list(self.subscriptions.items()):
            if place[1] == key:
                subscription.end(self)
        if self.on_put_out is not None and not self.closing:
            self.on_put_out(key, payload)

    def pump(self) -> None:
        """Send what is behind at the pace of the peer, in a separate task."""
        if self.pumping is None and not self.closing and not self.held:
            self.step_aside()
            self.pumping = asyncio.get_running_loop().create_task(self._catch_up())

    def stop(self) -> None:
        """Stop all writes: the consumer is done with this connection."""
        self.closing = True
        self.step_aside()
        if self.pumping is not None:
            self.pumping.cancel()

    async def _catch_up(self) -> None:
        try:
            while not self.held and not self.closing:
                if not self.outlet.ready:
                    if not await self._wait_until_ready():
                        return
                    continue  # a command may have started in the meantime
                self._write_pushes()
                behind = [s for s in self.subscriptions.values() if s.behind]
                if not behind:
                    return
                await self._send_next(sorted(behind, key=lambda s: s.lossless))
        finally:
            self.pumping = None

    async def _send_next(self, behind: list[Subscription]) -> None:
        """Write a batch of each stream, for as long as the peer takes them."""
        try:
            for subscription in behind:
                if self.outlet.ready:
                    await subscription.send_next(self)
        except DATABASE_AWAY as error:
            logger.warning("What a client has missed cannot be read: %s", error)
            await asyncio.sleep(RETRY_AFTER)

    async def _wait_until_ready(self) -> bool:
        """Wait until the peer can take more. Returns false if it stalled and was closed."""
        taken, since = self.outlet.taken, time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.slow_consumer_timeout / LOOKS):
                    await self.outlet.wait_ready()
                    return True
            if self.outlet.taken > taken:
                taken, since = self.outlet.taken, time.monotonic()
            elif self._waits_long_enough(since):
                self.pumping = None  # closing must not wait for this task
                await self.close(4008, "No progress: resume from your last position.")
                return False

    def _waits_long_enough(self, since: float) -> bool:
        """Return whether to close a peer that has taken nothing since then."""
        lossless = any(s.lossless for s in self.subscriptions.values())
        return lossless and time.monotonic() - since >= self.slow_consumer_timeout

    def _write_pushes(self) -> None:
        if self._pushes:
            self.write(Bundle([text for bundle in self._pushes for text in bundle.messages]))
            self._pushes.clear()
