"""Following log streams from a socket: positions to resume from, snapshots before events.

An endpoint that follows logs, by command or on connect, takes the same steps in the same order:

    async with self.snapshot_first():
        followed = await self.follow_logs(keys, command.recover)
        await self.reply(SubscriptionConfirmed(positions=followed.positions))
        for key in followed.without_recovery:
            await self.send_event(...)  # a snapshot
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from realtime.errors import InvalidCommand, TooManySubscriptions
from realtime.fanout.log import LogFeed
from realtime.protocol import MAX_ID_LENGTH, ConfirmedPosition, Position
from realtime.sockets.dispatch import CommandSocket
from realtime.streams.log import StreamKey


@dataclass(frozen=True, slots=True)
class FollowedLogs:
    """The logs that a connection follows now, each with the position that it resumes from."""

    places: dict[StreamKey, ConfirmedPosition]

    @property
    def positions(self) -> dict[str, ConfirmedPosition]:
        """The positions by stream name, as `subscription_confirmed` has them."""
        return {key.name: place for key, place in self.places.items()}

    @property
    def without_recovery(self) -> list[StreamKey]:
        """The logs whose subscriber needs a snapshot, because it does not resume where it was."""
        return [key for key, place in self.places.items() if not place.recovered]


class FollowsLogs(CommandSocket):
    """The part of RealtimeConsumer that follows log streams."""

    async def follow_logs(
        self, keys: Collection[StreamKey], recover: Mapping[str, Position] | None = None
    ) -> FollowedLogs:
        """Push the events of these log streams: missed ones from `recover` on, then live ones.

        Follows all of `keys` or none of them: a refused command changes nothing. The events come
        after the reply to the current command, or after `snapshot_first()`.

        Args:
            keys: the streams; one that is already followed goes on from its new position.
            recover: the client's positions, by stream name.

        Raises:
            InvalidCommand: `recover` names a stream that is not in `keys`.
            TooManySubscriptions: this connection would follow more streams than it may.
        """
        asked = recover or {}
        refuse_unknown_streams(asked.keys() - {key.name for key in keys})
        self.require_room_for(*keys)
        found = await self.hub.follow_all(
            self.connection, LogFeed, {key: asked.get(key.name) for key in keys}
        )
        return FollowedLogs(
            {
                key: ConfirmedPosition(position.epoch, position.offset, recovered)
                for key, (position, recovered) in found.items()
            }
        )

    async def unfollow_log(self, key: StreamKey) -> None:
        """Stop pushing this log stream; does nothing if it is not followed."""
        await self.hub.unfollow(self.connection, LogFeed, key)

    @property
    def followed_logs(self) -> list[StreamKey]:
        """The log streams that this connection follows."""
        return [key for kind, key in self.connection.subscriptions if kind == LogFeed.kind]

    @asynccontextmanager
    async def snapshot_first(self) -> AsyncIterator[None]:
        """Hold pushes: what is sent in the block comes before all events of streams followed in it.

        Pushes are released at the end, whatever happens. Inside a command, or inside another
        snapshot_first(), they are already held, and stay held until that one ends.
        """
        if self.connection.held:
            yield
            return
        self.connection.hold()
        try:
            yield
        finally:
            self.connection.release()

    def free_places(self, *keys: StreamKey) -> int:
        """Return how many of these streams this connection may follow, beside its others."""
        others = {key for _, key in self.connection.subscriptions}.difference(keys)
        return max(0, int(self.limits["max_subscriptions"]) - len(others))

    def require_room_for(self, *keys: StreamKey) -> None:
        """Check before following several streams, so that a refused command changes nothing.

        Raises:
            TooManySubscriptions: with `keys` this connection would follow more streams than it may.
        """
        followed = {key for _, key in self.connection.subscriptions}
        limit = int(self.limits["max_subscriptions"])
        if len(followed.union(keys)) > max(limit, len(followed)):
            raise TooManySubscriptions(f"A connection follows at most {limit} streams.")


def refuse_unknown_streams(names: Iterable[str]) -> None:
    """Refuse a `recover` that names these streams.

    Raises:
        InvalidCommand: there is at least one; `errors` has `recover[<stream>]` for each.
    """
    shown = [name[:MAX_ID_LENGTH] for name in sorted(names)]
    if shown:
        raise InvalidCommand(
            f"There is no stream {shown[0]!r} here.",
            errors={f"recover[{name}]": ["There is no such stream here."] for name in shown},
        )
