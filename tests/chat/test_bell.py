"""The bell shows unread messages, and nothing else."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from chat import services
from chat.models import Membership, Room
from chat.services import mentioning
from notifications.models import Notification
from notifications.services import mark_read as mark_notifications_read
from realtime.database import threads
from tests.conftest import Api
from tests.support.locks import side_by_side
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db


def unread(user: User) -> list[str]:
    """Return the messages that the bell of `user` shows, oldest first."""
    kinds = ["mention", "direct_message", "room_message"]
    told = Notification.objects.filter(user=user, read_at=None, kind__in=kinds).order_by("id")
    return list(told.values_list("message", flat=True))


def direct(team: Team) -> Room:
    return services.open_direct_room(principal=team.as_(team.alice), user_id=team.bob.pk)


def follow(team: Team, room: Room, person: User) -> None:
    services.set_notification_level(principal=team.as_(person), room=room.slug, level="all")


def test_who_answers_a_mention_has_read_it(team: Team) -> None:
    team.say(team.alice, team.general, "@bob?")
    assert unread(team.bob) == ["@bob?"]
    team.say(team.bob, team.general, "yes")
    assert unread(team.bob) == []


def test_who_answers_a_direct_message_has_read_it_and_is_told_of_the_next(team: Team) -> None:
    room = direct(team)
    team.say(team.alice, room, "one")
    team.say(team.bob, room, "two")
    assert unread(team.bob) == []
    team.say(team.alice, room, "three")
    assert unread(team.bob) == ["three"]


def test_who_joins_a_room_has_read_what_called_them_there(team: Team) -> None:
    team.say(team.alice, team.general, "come in, @carol")
    team.say(team.alice, team.ops, "@bob stays unread")
    services.join_room(principal=team.as_(team.carol), room="general")
    assert unread(team.carol) == []
    assert unread(team.bob) == ["@bob stays unread"]


def test_who_joins_by_writing_has_read_what_called_them_there(team: Team) -> None:
    team.say(team.alice, team.general, "come in, @carol")
    team.say(team.carol, team.general, "here")
    assert unread(team.carol) == []


def test_who_reads_a_public_room_without_joining_has_read_their_mention(team: Team) -> None:
    for _ in range(2):
        team.say(team.alice, team.general, "@carol")
    services.mark_read(principal=team.as_(team.carol), room="general", sequence=1)
    assert unread(team.carol) == ["@carol"]
    services.mark_read(principal=team.as_(team.carol), room="general", sequence=2)
    assert unread(team.carol) == []


def test_a_name_added_to_what_was_read_rings_until_the_room_is_read_again(team: Team) -> None:
    sent = team.say(team.alice, team.general, "hello")
    bob = team.as_(team.bob)
    services.mark_read(principal=bob, room="general", sequence=1)
    services.edit_message(
        principal=team.as_(team.alice), message_id=sent.message_id, text="hello @bob"
    )
    assert unread(team.bob) == ["hello @bob"]
    services.mark_read(principal=bob, room="general", sequence=1)
    assert unread(team.bob) == []


def test_who_answers_in_the_same_moment_is_told_of_what_comes_after(team: Team) -> None:
    room = direct(team)
    drafts = [
        services.draft_message(principal=team.as_(person), room=room.slug, text=text)
        for person, text in ((team.alice, "one"), (team.bob, "two"))
    ]
    services.post_drafts(drafts)
    assert unread(team.bob) == []
    team.say(team.alice, room, "three")
    team.say(team.alice, room, "four")
    assert unread(team.bob) == ["three"]


def test_who_is_behind_is_told_once_and_whoever_reads_along_each_time(team: Team) -> None:
    team.add(team.general, team.carol)
    for person in (team.bob, team.carol):
        follow(team, team.general, person)
    for text in ("one", "two"):
        sent = team.say(team.alice, team.general, text)
        services.mark_read(principal=team.as_(team.carol), room="general", sequence=sent.sequence)
    assert unread(team.bob) == ["one"]
    assert unread(team.carol) == []
    told = Notification.objects.filter(user=team.carol, kind="room_message").order_by("id")
    assert list(told.values_list("message", flat=True)) == ["one", "two"]


@side_by_side
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rung_before", [True, False])
async def test_who_reads_on_while_a_message_is_posted_is_told_of_that_one_alone(
    transactional_db: None, monkeypatch: Any, rung_before: bool
) -> None:
    team = await threads.call(Team)
    if rung_before:
        await threads.call(follow, team, team.ops, team.bob)
    await threads.call(team.say, team.alice, team.ops, "one")
    await threads.call(follow, team, team.ops, team.bob)
    posting, read = threading.Event(), threading.Event()
    check = mentioning.check_call_to_all

    def wait_for_the_reader(*arguments: Any) -> None:
        # By now, the transaction has read how far the users have read.
        posting.set()
        assert read.wait(10)
        check(*arguments)

    def read_first() -> None:
        services.mark_read(principal=team.as_(team.bob), room="ops", sequence=1)

    def read_meanwhile() -> None:
        assert posting.wait(10)
        read_first()
        read.set()

    monkeypatch.setattr(mentioning, "check_call_to_all", wait_for_the_reader)
    await asyncio.gather(
        threads.call(team.say, team.alice, team.ops, "two"), threads.call(read_meanwhile)
    )
    assert await threads.call(unread, team.bob) == ["two"]
    await threads.call(read_first)
    await threads.call(team.say, team.alice, team.ops, "three")
    assert await threads.call(unread, team.bob) == ["two"]


def test_a_bell_that_was_answered_without_reading_stays_silent_until_the_room_is_read(
    team: Team,
) -> None:
    room = direct(team)
    bob = team.as_(team.bob)
    team.say(team.alice, room, "one")
    mark_notifications_read(principal=bob, notification_ids=None)
    team.say(team.alice, room, "two")
    assert unread(team.bob) == []
    services.mark_read(principal=bob, room=room.slug, sequence=1)
    team.say(team.alice, room, "three")
    assert unread(team.bob) == ["three"]


def test_telling_many_followers_takes_no_more_statements_than_telling_few(team: Team) -> None:
    def statements(name: str, followers: int) -> int:
        people = [team.person(f"{name}{number}") for number in range(followers)]
        room = team.room(name, people=people)
        for person in people:
            follow(team, room, person)
        # They have read up to different messages, and were notified of later ones.
        for person in people[1:3]:
            sent = team.say(team.alice, room, "before")
            services.mark_read(principal=team.as_(person), room=room.slug, sequence=sent.sequence)
        Membership.objects.filter(room=room, user__in=people[3:]).update(read_sequence=2)
        with CaptureQueriesContext(connection) as queries:
            team.say(team.alice, room, "hello everybody")
        assert Notification.objects.filter(message="hello everybody").exists()
        return len(queries)

    assert statements("few", 3) == statements("many", 30)


def test_what_is_kept_does_not_depend_on_the_language_of_the_sender(team: Team, api: Api) -> None:
    alice, chinese = api(team.alice), {"Accept-Language": "zh-hans"}
    alice.post("/api/v1/rooms/ops/members/", {"user_id": team.carol.pk}, headers=chinese)
    room = direct(team)
    for slug, text in ((room.slug, "hi"), ("general", "@bob")):
        alice.post(f"/api/v1/rooms/{slug}/messages/", {"text": text}, headers=chinese)
    titles = Notification.objects.order_by("id").exclude(kind="room_invitation", user=team.bob)
    assert list(titles.values_list("title", flat=True)) == [
        "alice added you to Ops",
        "alice wrote to you",
        "alice mentioned you in General",
    ]
