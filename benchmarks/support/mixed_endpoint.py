"""An endpoint on Pitwall's real-time layer with all three kinds of messages on one socket.

Room messages are durable: committed with their offset, then delivered.
"""

from __future__ import annotations

import asyncio

from channels.routing import URLRouter
from django.urls import path

from accounts.models import User, Workspace
from accounts.prepare import WORKSPACE_SLUG
from benchmarks.support import mixture
from benchmarks.support.publisher import Send
from dashboard import selection, streams
from dashboard.selection import Selection
from realtime.consumers import RealtimeConsumer, on
from realtime.database import threads
from realtime.protocol import Command, Event, rfc3339
from realtime.sockets.upgrade import Upgrade
from realtime.streams import publish
from realtime.streams.log import StreamKey
from realtime.streams.unit_of_work import emit, unit_of_work


class Follow(Command, tag="follow"):
    metrics: list[str]
    room: int
    number: int


class Followed(Event, tag="subscription_confirmed"):
    room: str


class Said(Event, tag="said"):
    """A message in a room, or a push to one user."""

    kind: int
    q: int
    t: float
    text: str


class MixedConsumer(RealtimeConsumer):
    @on(Follow)
    async def follow(self, command: Follow) -> Followed:
        workspace_id = self.principal.workspace_id
        wanted = Selection(frozenset(command.metrics))
        room = _room(workspace_id, command.room)
        await self.follow_latest(streams.metrics(workspace_id), wanted)
        await self.follow_logs([room])
        return Followed(room=room.name)


def sender(followers: int) -> Send:
    """Return the function that publishes one round. Synchronous: two queries."""
    workspace_id = Workspace.objects.get(slug=WORKSPACE_SLUG).pk
    users = list(
        User.objects.filter(username__startswith="driver")
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    posting: set[asyncio.Task[None]] = set()

    async def send(number: int, at: float) -> None:
        values = [("custom", name, value) for name, value in mixture.readings(number, at).items()]
        publish.publish_latest(
            streams.metrics(workspace_id), selection.payload(rfc3339(at), values)
        )
        for follower in mixture.followers_of(number, followers):
            push = Said(kind=mixture.PUSH, q=number, t=at, text=mixture.TEXT)
            publish.publish_direct({"user_id": users[follower]}, push)
        for room in mixture.rooms_of(number):
            task = asyncio.create_task(threads.call(_post, _room(workspace_id, room), number, at))
            posting.add(task)
            task.add_done_callback(posting.discard)

    return send


@unit_of_work
def _post(room: StreamKey, number: int, at: float) -> None:
    emit(room, Said(kind=mixture.MESSAGE, q=number, t=at, text=mixture.TEXT))


def _room(workspace_id: int, number: int) -> StreamKey:
    return StreamKey(workspace_id, f"room:{number}")


application = Upgrade(URLRouter([path("ws/mixed/", MixedConsumer.as_asgi())]))
