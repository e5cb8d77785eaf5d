"""The socket of notifications: a user's own, live, without asking."""

from __future__ import annotations

from notifications import selectors, services, streams
from notifications.protocol import (
    STREAM,
    InitialData,
    MarkAsRead,
    MarkedAsRead,
    Subscribe,
    SubscriptionConfirmed,
)
from realtime.consumers import RealtimeConsumer, on
from realtime.errors import InvalidCommand
from realtime.protocol import Position
from realtime.streams import StreamKey


class NotificationsConsumer(RealtimeConsumer):
    """/ws/notifications/ (docs/protocol.md, Notifications)."""

    async def connected(self) -> None:
        # What comes in between waits: the snapshot is first.
        self.connection.hold()
        try:
            position, _recovered = await self.follow_log(self._key)
            await self._send_snapshot(position)
        finally:
            self.connection.release()

    @on(Subscribe)
    async def subscribe(self, command: Subscribe) -> None:
        recover = _position(command.recover)
        position, recovered = await self.follow_log(self._key, recover)
        place = {"epoch": position.epoch, "offset": position.offset, "recovered": recovered}
        await self.reply(SubscriptionConfirmed(streams=[STREAM], positions={STREAM: place}))
        if not recovered:
            await self._send_snapshot(position)

    @on(MarkAsRead)
    async def mark_as_read(self, command: MarkAsRead) -> MarkedAsRead:
        if (command.notification_id is None) != command.everything:
            raise InvalidCommand.field(
                "notification_id", "Give either a notification_id or all: true."
            )
        ids = None if command.notification_id is None else [command.notification_id]
        read = await self.call(services.mark_read, principal=self.principal, notification_ids=ids)
        return MarkedAsRead(marked=len(read.ids), unread_count=read.unread_count)

    @property
    def _key(self) -> StreamKey:
        return streams.inbox(self.principal.workspace_id, self.principal.user_id)

    async def _send_snapshot(self, position: Position) -> None:
        """What is unread at `position` or later: events up to then change nothing in it."""
        found = await self.call(selectors.snapshot, self.principal)
        await self.send_event(
            InitialData(
                data=[selectors.document(notification) for notification in found.unread],
                unread_count=found.unread_count,
                epoch=position.epoch,
                offset=position.offset,
            )
        )


def _position(recover: dict[str, Position] | None) -> Position | None:
    unknown = sorted(set(recover or ()) - {STREAM})
    if unknown:
        raise InvalidCommand.field(
            "recover", f"There is no stream {', '.join(unknown)[:100]} here."
        )
    return (recover or {}).get(STREAM)
