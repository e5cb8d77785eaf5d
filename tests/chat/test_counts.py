"""Unread counts: what is gone is not counted, and every tab hears of it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.models import User
from chat import selectors, services
from chat.models import Membership, Mention, Message, Room
from notifications import selectors as bell
from notifications.models import Notification
from realtime.errors import AppError
from realtime.streams import publish
from tests.conftest import Api, Connect
from tests.support.badges import Badges, counted
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db

NAMES = st.sampled_from(["alice", "bob", "carol"])
ROOMS = st.sampled_from(["general", "ops", "direct"])
TEXTS = st.sampled_from(["hi", "@alice look", "@bob look", "@alice @bob both", "@all now"])


class Conversations(RuleBasedStateMachine):
    """Three people in a public, a private and a direct room, each with an open page."""

    def __init__(self) -> None:
        super().__init__()
        self.team = Team()
        direct = services.open_direct_room(principal=self.team.as_(self.team.alice), username="bob")
        self.slugs = {"general": "general", "ops": "ops", "direct": direct.slug}
        services.set_notification_level(
            principal=self.team.as_(self.team.bob), room="general", level="all"
        )
        self.pushed: list[Any] = []
        self.recording = patch.object(
            publish, "publish_direct", lambda *push: self.pushed.append(push)
        )
        self.recording.start()
        self.pages = [
            Badges(self.team.as_(user))
            for user in (self.team.alice, self.team.bob, self.team.carol)
        ]

    def teardown(self) -> None:
        self.recording.stop()
        Notification.objects.filter(workspace=self.team.workspace).delete()
        self.team.clear()

    def _user(self, name: str) -> User:
        return {"alice": self.team.alice, "bob": self.team.bob, "carol": self.team.carol}[name]

    def _message(self, room: str, number: int) -> Message:
        messages = Message.objects.filter(room__slug=self.slugs[room]).order_by("-sequence")
        return messages[number % max(1, messages.count())]

    @rule(name=NAMES, room=ROOMS, text=TEXTS)
    def send(self, name: str, room: str, text: str) -> None:
        room_of = Room.objects.get(slug=self.slugs[room], workspace=self.team.workspace)
        with suppress(AppError):
            self.team.say(self._user(name), room_of, text)

    @rule(room=ROOMS, number=st.integers(0, 5), text=TEXTS)
    def edit(self, room: str, number: int, text: str) -> None:
        with suppress(AppError, IndexError):
            message = self._message(room, number)
            services.edit_message(
                principal=self.team.as_(message.author), message_id=message.pk, text=text
            )

    @rule(room=ROOMS, number=st.integers(0, 5))
    def delete(self, room: str, number: int) -> None:
        with suppress(AppError, IndexError):
            message = self._message(room, number)
            services.delete_message(principal=self.team.as_(message.author), message_id=message.pk)

    @rule(name=NAMES, room=ROOMS, back=st.integers(0, 3))
    def read(self, name: str, room: str, back: int) -> None:
        with suppress(AppError):
            head = Room.objects.get(slug=self.slugs[room]).head_sequence
            services.mark_read(
                principal=self.team.as_(self._user(name)),
                room=self.slugs[room],
                sequence=max(0, head - back),
            )

    @rule(name=NAMES, room=st.sampled_from(["general", "ops"]))
    def leave(self, name: str, room: str) -> None:
        with suppress(AppError):
            services.leave_room(principal=self.team.as_(self._user(name)), room=room)

    @rule(name=NAMES)
    def join(self, name: str) -> None:
        services.join_room(principal=self.team.as_(self._user(name)), room="general")

    @rule(room=ROOMS, kept=st.integers(0, 4))
    def expire(self, room: str, kept: int) -> None:
        messages = Message.objects.filter(room__slug=self.slugs[room]).order_by("-sequence")
        old = timezone.now() - timedelta(days=9)
        Message.objects.filter(pk__in=[each.pk for each in messages[kept:]]).update(created_at=old)
        services.expire_messages(
            room_id=Room.objects.get(slug=self.slugs[room]).pk,
            before=timezone.now() - timedelta(days=8),
        )

    @invariant()
    def every_page_shows_what_is_unread(self) -> None:
        pushed, self.pushed = self.pushed, []
        for page in self.pages:
            page.catch_up(pushed)
            fresh = Badges(page.me)
            assert page.shown() == fresh.shown() == counted(page.me)
            assert page.bell == fresh.bell

    @invariant()
    def the_bell_tells_of_nothing_that_is_gone(self) -> None:
        for told in Notification.objects.filter(workspace=self.team.workspace, read_at=None):
            in_room = {"room_id": told.subject_id, "user_id": told.user_id}
            if told.kind == "mention":
                assert Mention.objects.filter(sequence=told.subject_sequence, **in_room).exists()
            elif told.kind in ("direct_message", "room_message"):
                room = Room.objects.get(pk=told.subject_id)
                user = User.objects.get(pk=told.user_id)
                assert counted(self.team.as_(user))[room.slug][0] > 0


def test_a_badge_is_what_a_fresh_page_counts_after_anything_that_happens() -> None:
    run_state_machine_as_test(
        Conversations,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            # Each step is a few transactions: to shrink a failure would take many minutes.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )


def test_a_deleted_message_is_not_unread(team: Team, api: Api) -> None:
    sent = team.say(team.alice, team.general, "@bob look")
    team.say(team.alice, team.general, "and this")
    services.delete_message(principal=team.as_(team.alice), message_id=sent.message_id)
    (room,) = [
        each for each in api(team.bob).get("/api/v1/rooms/").json() if each["slug"] == "general"
    ]
    assert (room["unread"], room["mentions"]) == (1, 0)
    assert selectors.unread_everywhere(team.as_(team.bob)) == (1, 0)
    assert bell.unread_count(team.workspace.pk, team.bob.pk) == 2  # of his two invitations


def test_a_direct_messages_notification_stays_while_another_is_unread(team: Team) -> None:
    room = services.open_direct_room(principal=team.as_(team.alice), username="carol")
    first, second = (team.say(team.alice, room, text) for text in ("one", "two"))

    def told() -> int:
        return bell.unread_count(team.workspace.pk, team.carol.pk)

    services.delete_message(principal=team.as_(team.alice), message_id=first.message_id)
    assert told() == 1
    services.delete_message(principal=team.as_(team.alice), message_id=second.message_id)
    assert told() == 0


def test_a_deleted_room_leaves_nothing_on_the_bell(team: Team) -> None:
    team.say(team.alice, team.ops, "@bob look")
    services.delete_room(principal=team.as_(team.alice), room="ops")
    left = Notification.objects.filter(user=team.bob, read_at=None, subject_id=team.ops.pk)
    assert not left.exists()
    services.remove_expired(room=Room.objects.get(pk=team.ops.pk))
    assert not Notification.objects.filter(message__contains="look").exists()


@pytest.mark.django_db(transaction=True)
async def test_every_tab_hears_that_a_mention_was_edited_out(connect: Connect) -> None:
    team = await sync_to_async(Team)()
    tabs = [await connect("/ws/chat/", user=team.bob) for _ in range(2)]
    page = await connect("/ws/notifications/", user=team.bob)
    before = (await page.event("initial_data"))["unread_count"]
    sent = await sync_to_async(team.say)(team.alice, team.general, "@bob look")
    assert (await page.event("new_notification"))["unread_count"] == before + 1
    await sync_to_async(services.edit_message)(
        principal=await sync_to_async(team.as_)(team.alice),
        message_id=sent.message_id,
        text="look",
    )
    for tab in tabs:
        told = await tab.event("read_marker")
        assert (told["unread"], told["mentions"], told["head_sequence"]) == (1, 0, 1)
    assert (await page.event("notification_read"))["unread_count"] == before


@pytest.mark.django_db(transaction=True)
async def test_every_tab_hears_that_an_unread_message_was_deleted(connect: Connect) -> None:
    team = await sync_to_async(Team)()
    tabs = [await connect("/ws/chat/", user=team.bob) for _ in range(2)]
    sent = await sync_to_async(team.say)(team.alice, team.general)
    await sync_to_async(services.delete_message)(
        principal=await sync_to_async(team.as_)(team.alice), message_id=sent.message_id
    )
    for tab in tabs:
        told = await tab.event("read_marker")
        assert (told["room"], told["unread"], told["sequence"]) == ("general", 0, 0)


def test_those_who_have_read_on_are_told_nothing(team: Team) -> None:
    sent = team.say(team.alice, team.general)
    services.mark_read(principal=team.as_(team.bob), room="general", sequence=1)
    with patch.object(publish, "publish_direct") as push:
        services.delete_message(principal=team.as_(team.alice), message_id=sent.message_id)
    assert not push.called
    assert Membership.objects.get(room=team.general, user=team.bob).read_sequence == 1
