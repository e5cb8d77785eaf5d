"""A message's text is gone everywhere once it is deleted or its room's retention has passed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from chat import services
from chat.models import Attachment, Message, Room
from chat.services import keeping, mentioning
from notifications.models import Notification
from realtime.database import threads
from realtime.errors import NotFound
from realtime.models import LoggedEvent
from realtime.streams.unit_of_work import unit_of_work
from tests.support.locks import side_by_side, wait_until
from tests.support.room_mirror import RoomMirror
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db

Going = Callable[[Team, int], object]


def delete(team: Team, message_id: int) -> object:
    return services.delete_message(principal=team.as_(team.alice), message_id=message_id)


def expire(team: Team, message_id: int) -> object:
    sequence = Message.objects.get(pk=message_id).sequence
    old = timezone.now() - timedelta(days=9)
    Message.objects.filter(room=team.ops, sequence__lte=sequence).update(created_at=old)
    return services.expire_messages(room_id=team.ops.pk, before=timezone.now() - timedelta(days=8))


both_ways = pytest.mark.parametrize("go", [delete, expire])


def say_secrets(team: Team) -> int:
    """Send alice's message with a file and a name, edit it, let bob answer. Returns its id."""
    file = Attachment.objects.create(
        room=team.ops,
        uploader=team.alice,
        name="secret.txt",
        size=3,
        content_type="a/b",
        key="0" * 32,
    )
    sent = team.say(team.alice, team.ops, "@bob **secret**", attachments=[file.pk])
    edit(team, sent.message_id, "@bob secret too")
    team.say(team.bob, team.ops, "what word?", reply_to=sent.message_id)
    return sent.message_id


def edit(team: Team, message_id: int, text: str) -> None:
    services.edit_message(principal=team.as_(team.alice), message_id=message_id, text=text)


def kept(text: str) -> list[str]:
    """Return the events' payloads and the notifications that still contain this text."""
    events = LoggedEvent.objects.filter(payload__icontains=text).values_list("payload", flat=True)
    told = Notification.objects.filter(message__icontains=text).values_list("message", flat=True)
    return [*events, *told]


@both_ways
def test_no_event_and_no_notification_keeps_the_text(team: Team, go: Going) -> None:
    services.set_notification_level(principal=team.as_(team.bob), room="ops", level="all")
    rings = team.say(team.alice, team.ops, "a secret that rings")
    message_id = say_secrets(team)
    assert len(kept("secret")) == 8
    go(team, rings.message_id)
    go(team, message_id)
    assert not kept("secret")
    assert {each.kind for each in Notification.objects.filter(user=team.bob)} >= {"mention"}


@both_ways
def test_what_others_have_said_stays(team: Team, go: Going) -> None:
    message_id = say_secrets(team)
    team.say(team.alice, team.ops, "@bob plain")
    team.say(team.alice, team.general, "@bob secret elsewhere")
    go(team, message_id)
    assert len(kept("@bob plain")) == 3
    assert len(kept("what word?")) == 1
    assert len(kept("secret elsewhere")) == 3


@both_ways
@pytest.mark.parametrize("seen", range(4))
def test_who_saw_a_part_ends_with_the_same_picture(team: Team, go: Going, seen: int) -> None:
    steps: list[Callable[[], object]] = [
        lambda: team.say(team.alice, team.ops, "@bob **secret**"),
        lambda: edit(team, Message.objects.get(sequence=1).pk, "@bob secret too"),
        lambda: team.say(team.bob, team.ops, "ok", reply_to=Message.objects.get(sequence=1).pk),
        lambda: go(team, Message.objects.get(sequence=1).pk),
    ]
    mirror = RoomMirror(team.as_(team.bob), "ops")
    for step in steps[:seen]:
        step()
    mirror.catch_up()
    for step in steps[seen:]:
        step()
    mirror.catch_up()
    assert mirror.picture() == RoomMirror(team.as_(team.bob), "ops").picture()


def test_many_expire_a_part_at_a_time(team: Team, monkeypatch: Any) -> None:
    monkeypatch.setattr(keeping, "AT_ONCE", 2)
    sent = [team.say(team.alice, team.ops, "secret") for _ in range(5)]
    assert expire(team, sent[-1].message_id) == 5
    assert Room.objects.get(pk=team.ops.pk).floor_sequence == 5
    assert LoggedEvent.objects.filter(payload__contains='"messages_expired"').count() == 3
    assert not kept("secret")
    assert expire(team, sent[-1].message_id) == 0


def test_what_has_expired_cannot_be_answered_while_its_row_is_still_there(team: Team) -> None:
    ids = [team.say(team.alice, team.ops).message_id for _ in range(3)]
    expire(team, ids[1])
    assert Message.objects.filter(pk__in=ids).count() == 3
    for expired in ids[:2]:  # below the room's floor, and at it
        with pytest.raises(NotFound) as refused:
            team.say(team.bob, team.ops, "an answer", reply_to=expired)
        assert list(refused.value.errors or ()) == ["reply_to"]
    assert team.say(team.bob, team.ops, "an answer", reply_to=ids[2]).sequence == 4


# --- On the wire ------------------------------------------------------------------------------


@pytest.fixture
def live_team(transactional_db: None) -> Team:
    return Team()


@both_ways
@pytest.mark.django_db(transaction=True)
async def test_a_socket_that_resumes_never_hears_it(
    connect: Any, live_team: Team, go: Going
) -> None:
    # These sockets follow all the time: this process has the room's newest events in memory.
    alice, bob = [
        await connect("/ws/chat/", user=user) for user in (live_team.alice, live_team.bob)
    ]
    await alice.command("subscribe", rooms=["ops"])
    start = (await bob.command("subscribe", rooms=["ops"]))["positions"]["room:ops"]
    await bob.close()
    message_id = await threads.call(say_secrets, live_team)
    await threads.call(go, live_team, message_id)
    last = await alice.event("message_deleted" if go is delete else "messages_expired")
    again = await connect("/ws/chat/", user=live_team.bob)
    recover = {"room:ops": {"epoch": start["epoch"], "offset": start["offset"]}}
    confirmed = await again.command("subscribe", recover=recover)
    assert confirmed["positions"]["room:ops"]["recovered"] is True
    told = []
    while not told or told[-1]["offset"] < last["offset"]:
        frame = await again.next()
        told += [frame] if "offset" in frame else []
    assert [frame["offset"] for frame in told] == list(
        range(start["offset"] + 1, last["offset"] + 1)
    )
    assert "secret" not in str(told)
    message, edited, answer = told[:3]
    assert (message["message"], message["html"], message["deleted"]) == ("", "", True)
    assert (edited["message"], edited["deleted"]) == ("", True)
    assert (answer["message"], answer["reply"]["excerpt"]) == ("what word?", "")
    assert answer["reply"]["deleted"] is True


@pytest.mark.django_db(transaction=True)
async def test_an_open_bell_is_told(connect: Any, live_team: Team) -> None:
    bell = await connect("/ws/notifications/", user=live_team.bob)
    start = await bell.event("initial_data")
    message_id = await threads.call(say_secrets, live_team)
    told = await bell.event("new_notification")
    while told["data"]["kind"] != "mention":
        told = await bell.event("new_notification")
    await threads.call(delete, live_team, message_id)
    changed = await bell.event("notification_changed")
    # Bob has read it, because he answers.
    assert changed["data"] == told["data"] | {"message": "", "read": True}
    again = await connect("/ws/notifications/", user=live_team.bob)
    assert "secret" not in str(await again.event("initial_data"))
    recover = {"notifications": {"epoch": start["epoch"], "offset": start["offset"]}}
    await again.command("subscribe", recover=recover)
    assert (await again.event("notification_changed"))["offset"] == changed["offset"]
    assert "secret" not in str(again.frames)


# --- Concurrency ------------------------------------------------------------------------------


@side_by_side
@pytest.mark.django_db(transaction=True)
async def test_who_changes_a_message_holds_up_no_other_room(live_team: Team) -> None:
    messages = [
        (await threads.call(live_team.say, live_team.alice, room)).message_id
        for room in (live_team.ops, live_team.general)
    ]
    holding, done = threading.Event(), threading.Event()

    def react(message_id: int) -> None:
        services.set_reaction(
            principal=live_team.as_(live_team.bob), message_id=message_id, emoji="👍", on=True
        )

    @unit_of_work
    def react_and_hold() -> None:
        react(messages[0])
        holding.set()
        assert done.wait(5)

    def react_elsewhere() -> None:
        assert holding.wait(5)
        react(messages[1])
        done.set()

    await asyncio.gather(threads.call(react_and_hold), threads.call(react_elsewhere))


@side_by_side
@pytest.mark.django_db(transaction=True)
async def test_an_answer_that_is_being_written_quotes_nothing(
    live_team: Team, monkeypatch: Any
) -> None:
    sent = await threads.call(live_team.say, live_team.alice, live_team.ops, "secret")
    answering, deleted = threading.Event(), threading.Event()
    check = mentioning.check_call_to_all

    def wait_for_the_other(*arguments: Any) -> None:
        answering.set()
        wait_until(deleted)
        check(*arguments)

    def delete_meanwhile() -> None:
        assert answering.wait(10)
        try:
            delete(live_team, sent.message_id)
        finally:
            deleted.set()

    def answer() -> None:
        live_team.say(live_team.bob, live_team.ops, "what?", reply_to=sent.message_id)

    monkeypatch.setattr(mentioning, "check_call_to_all", wait_for_the_other)
    await asyncio.gather(threads.call(answer), threads.call(delete_meanwhile))
    assert await threads.call(Message.objects.filter(reply_to=sent.message_id).exists)
    assert not await threads.call(kept, "secret")
