"""The notifications socket: sends users their own notifications live, without a subscription."""

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
from realtime.consumers import FollowedLogs, RealtimeConsumer, on
from realtime.errors import InvalidCommand
from realtime.streams.log import StreamKey


class NotificationsConsumer(RealtimeConsumer):
    """/ws/notifications/ (docs/protocol/notifications.md)."""

    async def connected(self) -> None:
        async with self.snapshot_first():
            await self._send_snapshots(await self.follow_logs([self._key]))

    @on(Subscribe)
    async def subscribe(self, command: Subscribe) -> None:
        followed = await self.follow_logs([self._key], command.recover)
        await self.reply(SubscriptionConfirmed(streams=[STREAM], positions=followed.positions))
        await self._send_snapshots(followed)

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

    async def _send_snapshots(self, followed: FollowedLogs) -> None:
        """Send the unread notifications as of the position or later.

        If the client gets events that they already reflect, these change nothing.
        """
        for key in followed.without_recovery:
            found = await self.call(selectors.snapshot, self.principal)
            await self.send_event(
                InitialData(
                    data=[selectors.document(notification) for notification in found.unread],
                    unread_count=found.unread_count,
                    epoch=followed.places[key].epoch,
                    offset=followed.places[key].offset,
                )
            )
