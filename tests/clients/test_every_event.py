"""Every kind of event reaches a program through the client as it reaches a raw socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pitwall_client import Client, Frame

from chat import services as chat
from chat.models import Message
from chat.protocol import events as durable
from chat.protocol import pushes
from dashboard import protocol as dashboard
from dashboard.models import Metric
from dashboard.services import catalogue
from notifications import kinds
from notifications import protocol as notifications
from notifications import services as telling
from notifications.subjects import Subject
from realtime.database import threads
from realtime.protocol import Event
from realtime.pushes import push_system_notification, push_user_message
from tests.support.metrics import make_metric, make_series, now_us, write
from tests.support.rooms import Team
from tests.support.sockets import SocketClient

from .conftest import DEADLINE, Opened, cut, token_of

pytestmark = pytest.mark.django_db(transaction=True)

# Each socket has its own.
OWN = {"connection_established", "heartbeat"}


def kinds_of(module: Any) -> set[str]:
    """The types of a module's events."""
    found = (value for value in vars(module).values() if isinstance(value, type))
    events = (value for value in found if issubclass(value, Event))
    tags = {str(event.__struct_config__.tag) for event in events}
    return {tag for tag in tags if tag.islower()}  # a base class has its own name as its tag


async def heard(listener: Client | SocketClient, wanted: set[str]) -> list[Frame]:
    """Everything that has come once each of these types has."""
    frames: list[Frame] = []

    def missing() -> set[str]:
        return wanted - {frame["type"] for frame in frames}

    async def listen() -> None:
        while missing():
            if isinstance(listener, Client):
                frames.append(await anext(aiter(listener)))
            else:
                frames.append(await listener.next(within=DEADLINE))

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(listen(), DEADLINE)
    assert missing() == set(), f"{type(listener).__name__} did not get these"
    await listener.command("ping")
    return frames + (listener.drain() if isinstance(listener, Client) else [*listener.frames])


def compared(frames: list[Frame]) -> list[str]:
    """Frames as they can be compared between two sockets."""
    mine = [
        frame
        for frame in frames
        if frame["type"] not in OWN
        and "id" not in frame
        # The sockets' own user comes with the first of them, maybe before the second.
        and (frame["type"], frame.get("username")) != ("user_joined", "alice")
    ]
    return sorted(json.dumps(frame, sort_keys=True) for frame in mine)


async def compare(raw: SocketClient, client: Client, wanted: set[str]) -> None:
    """Check that both hear the same, and these types of events in it."""
    expected, got = await heard(raw, wanted), await heard(client, wanted)
    assert compared(got) == compared(expected)
    for stream in {frame["stream"] for frame in expected if "stream" in frame}:
        assert in_order(got, stream) == in_order(expected, stream)


def in_order(frames: list[Frame], stream: str) -> list[tuple[str, int]]:
    mine = (frame for frame in frames if frame.get("stream") == stream)
    return [(frame["type"], frame["offset"]) for frame in mine]


async def test_every_event_of_a_room_reaches_a_program(
    pitwall: Opened, connect: Any, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.presence.rules.GRACE", 0.5)
    client = await pitwall(team.alice)
    raw = await connect("/ws/chat/", token=await threads.call(token_of, team.alice))
    bob = await pitwall(team.bob)
    for each in (client, raw):
        await each.command("subscribe", rooms=["general", "ops"])
    await bob.command("subscribe", rooms=["ops"])
    await bob.command("typing", room="ops")
    await bob.command("away", on=True)
    away = await raw.event("user_away", within=20)
    await bob.close()
    left = await raw.event("user_left", within=20)
    raw.frames.extend([away, left])

    alice = await threads.call(team.as_, team.alice)
    said = [await threads.call(team.say, team.bob, team.ops, text) for text in ("a", "b", "c")]
    by_bob = await threads.call(team.as_, team.bob)
    changes: list[Callable[[], object]] = [
        lambda: chat.edit_message(principal=by_bob, message_id=said[0].message_id, text="new"),
        lambda: chat.set_reaction(
            principal=alice, message_id=said[1].message_id, emoji="👍", on=True
        ),
        lambda: chat.set_pin(principal=alice, message_id=said[1].message_id, on=True),
        lambda: chat.delete_message(principal=alice, message_id=said[2].message_id),
        lambda: chat.mark_read(principal=alice, room="ops", sequence=2),
        lambda: team.add(team.ops, team.carol),
        lambda: chat.change_role(
            principal=alice, room="ops", user_id=team.carol.pk, role="moderator"
        ),
        lambda: chat.remove_member(principal=alice, room="ops", user_id=team.carol.pk),
        lambda: chat.update_room(principal=alice, room="ops", topic="Fuel"),
        lambda: expire(team),
        lambda: chat.delete_room(principal=alice, room="ops"),
        lambda: team.room("Pit wall", owner=team.bob, people=[team.alice], slug="pit"),
        lambda: chat.remove_member(principal=by_bob, room="pit", user_id=team.alice.pk),
        lambda: push_user_message(user_id=team.alice.pk, message="Box"),
    ]
    for change in changes:
        await threads.call(change)
    # One ends the subscription: its subscribers are told that instead.
    wanted = kinds_of(durable) | kinds_of(pushes) | {"user_message", "unsubscription_confirmed"}
    await compare(raw, client, wanted - {"room_deleted"} | {"room_snapshot"})


def expire(team: Team) -> None:
    long_ago = timezone.now() - timedelta(days=9)
    oldest = Message.objects.filter(room=team.ops).order_by("sequence")[0]
    Message.objects.filter(pk=oldest.pk).update(created_at=long_ago)
    before = timezone.now() - timedelta(days=8)
    chat.expire_messages(room_id=team.ops.pk, before=before)


async def test_every_event_of_the_inbox_reaches_a_program(
    pitwall: Opened, connect: Any, team: Team
) -> None:
    client = await pitwall(team.alice, "/ws/notifications/")
    raw = await connect("/ws/notifications/", token=await threads.call(token_of, team.alice))
    alice = await threads.call(team.as_, team.alice)
    subject = Subject("room", team.ops.pk)

    def tell(title: str) -> object:
        return telling.notify(
            workspace_id=team.workspace.pk,
            user_ids=[team.alice.pk],
            kind=kinds.MESSAGE,
            title=title,
            message="quoted",
            subject=subject,
        )

    for each in (client, raw):
        await each.command("ping")  # what comes on connect has come
    await threads.call(tell, "one")
    await threads.call(lambda: telling.take_back(workspace_id=team.workspace.pk, subject=subject))
    await threads.call(lambda: telling.mark_read(principal=alice, notification_ids=None))
    await threads.call(lambda: push_system_notification(message="Rain"))
    replies = {"ack", "subscription_confirmed"}
    # Cards are followed over the socket of chat.
    wanted = kinds_of(notifications) - replies - {"card_update"}
    await compare(raw, client, wanted | {"system_notification"})


async def test_every_event_of_the_dashboard_reaches_a_program(
    pitwall: Opened, connect: Any, team: Team
) -> None:
    series = await threads.call(lambda: make_series(make_metric(team.workspace, "rpm")))
    client = await pitwall(team.alice, "/ws/dashboard/")
    raw = await connect("/ws/dashboard/", token=await threads.call(token_of, team.alice))
    for each in (client, raw):
        await each.command("subscribe", metrics=["*"], series=[{"metric": "rpm"}])

    def rename() -> None:
        metric = Metric.objects.get(pk=series.metric_id)
        metric.title = "Revolutions"
        catalogue.save_metric(metric=metric)

    await threads.call(write, series, [(now_us(), 11_000)])
    fuel = Metric(workspace=team.workspace, name="fuel")
    await threads.call(lambda: catalogue.save_metric(metric=fuel))
    await threads.call(rename)
    gone = Metric.objects.filter(name="fuel")
    await threads.call(lambda: catalogue.delete_metrics(metrics=gone))
    replies = {"subscription_confirmed", "unsubscription_confirmed"}
    await compare(raw, client, kinds_of(dashboard) - replies)


@pytest.mark.parametrize("batch", [False, True])
async def test_after_restored_epochs_the_snapshot_comes_and_no_message_is_lost(
    pitwall: Opened, team: Team, batch: bool
) -> None:
    client = await pitwall(team.alice, batch=batch)
    await client.command("subscribe", rooms=["ops"])
    await client.event("room_snapshot")
    await threads.call(team.say, team.bob, team.ops, "before")
    await client.event("chat_message")

    def meanwhile() -> None:
        call_command("restore", rotate_only=True, force=True)
        team.say(team.bob, team.ops, "while it was away")

    await cut(client, meanwhile)
    confirmed = await client.event("subscription_confirmed")
    assert confirmed["positions"]["room:ops"]["recovered"] is False
    snapshot = await client.event("room_snapshot")
    assert [message["message"] for message in snapshot["data"]] == ["before", "while it was away"]
    await threads.call(team.say, team.bob, team.ops, "after")
    assert (await client.event("chat_message"))["message"] == "after"


async def test_after_restored_epochs_a_client_that_stayed_connected_loses_nothing_either(
    pitwall: Opened, team: Team
) -> None:
    client = await pitwall(team.alice)
    await client.command("subscribe", rooms=["ops"])
    await client.event("room_snapshot")
    await threads.call(call_command, "restore", rotate_only=True, force=True)
    told: set[str] = set()
    await threads.call(team.say, team.bob, team.ops, "one")
    while "one" not in told:
        async for event in client:
            if event["type"] == "chat_message":
                told.add(event["message"])
            elif event["type"] == "room_snapshot":
                told.update(message["message"] for message in event["data"])
            if "one" in told:
                break
    await threads.call(team.say, team.bob, team.ops, "two")
    assert (await client.event("chat_message"))["message"] == "two"


async def test_events_missed_before_the_snapshot_of_a_new_connection_are_delivered(
    pitwall: Opened, team: Team
) -> None:
    client = await pitwall(team.alice, "/ws/notifications/")
    await client.event("initial_data")

    def tell(title: str) -> None:
        telling.notify(
            workspace_id=team.workspace.pk,
            user_ids=[team.alice.pk],
            kind=kinds.MESSAGE,
            title=title,
        )

    await cut(client, lambda: [tell("one"), tell("two")])
    assert (await client.event("initial_data"))["unread_count"] == 2
    assert [(await client.event("new_notification"))["data"]["title"] for _ in range(2)] == [
        "one",
        "two",
    ]


async def test_a_room_of_the_address_is_resumed_without_a_gap(pitwall: Opened, team: Team) -> None:
    client = await pitwall(team.alice, "/ws/chat/?room=ops")
    await client.event("room_snapshot")

    def meanwhile() -> None:
        for text in ("one", "two"):
            team.say(team.bob, team.ops, text)

    await cut(client, meanwhile)
    heard = [(await client.event("chat_message"))["message"] for _ in range(2)]
    assert heard == ["one", "two"]
