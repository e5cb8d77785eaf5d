"""Commits with an event for each of many users, and ways to notify the processes.

`together` is the product's own publish_log. The others send the same messages with one group_send
per group, as usual in Channels: sequentially, or 64 at a time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from channels.layers import get_channel_layer
from django.db import transaction

from accounts.models import User, Workspace
from accounts.prepare import WORKSPACE_SLUG
from benchmarks.support.publisher import Send
from notifications.streams import inbox
from realtime.database import threads
from realtime.streams import log, publish
from realtime.streams.log import Appended, StreamKey

AT_ONCE = 64
# About as long as a notification's event.
TEXT = "A message of about the usual length, which tells a person what has happened and where."


def sender(groups: int, way: str) -> Send:
    """Return the function that commits an event for each of `groups` users. Synchronous."""
    workspace = Workspace.objects.get(slug=WORKSPACE_SLUG)
    users = User.objects.filter(username__startswith="driver").order_by("pk")[:groups]
    keys = [inbox(workspace.pk, user.pk) for user in users]
    tell = _WAYS[way]

    async def send(number: int, at: float) -> None:
        appended = await threads.call(_commit, keys, number)
        await tell(appended)

    return send


def _commit(keys: Sequence[StreamKey], number: int) -> list[Appended]:
    """Store the events, and return them with the time of the COMMIT.

    That time is not known beforehand: an event that a process reads from the database instead
    carries the time before it.
    """
    with transaction.atomic():
        before = _payload(number)
        appended = log.append([(key, before) for key in keys])
    return [replace(event, payload=_payload(number)) for event in appended]


def _payload(number: int) -> str:
    at = f"{time.time():.6f}"
    return f'{{"type":"new_notification","q":{number},"t":{at},"message":"{TEXT}"}}'


async def _together(appended: Sequence[Appended]) -> None:
    publish.publish_log(appended)


async def _one_by_one(appended: Sequence[Appended]) -> None:
    layer = get_channel_layer()
    for event in appended:
        await layer.group_send(publish.group_of(event.key), _message(event))


async def _gathered(appended: Sequence[Appended]) -> None:
    layer, free = get_channel_layer(), asyncio.Semaphore(AT_ONCE)

    async def send(event: Appended) -> None:
        async with free:
            await layer.group_send(publish.group_of(event.key), _message(event))

    await asyncio.gather(*map(send, appended))


def _message(event: Appended) -> dict[str, object]:
    """Return the message that the product sent per stream before it batched them."""
    key = event.key
    return {
        "type": "log",
        "key": [key.workspace_id, key.name, key.user_id],
        "epoch": event.epoch,
        "events": [(event.offset, event.payload)],
    }


_WAYS: dict[str, Callable[[Sequence[Appended]], Awaitable[None]]] = {
    "together": _together,
    "one_by_one": _one_by_one,
    "gathered": _gathered,
}
