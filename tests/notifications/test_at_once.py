"""Concurrent changes: every event's count is right for its position in the stream."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest

from accounts.models import User
from notifications import selectors, services, streams
from notifications.models import Notification
from realtime.models import LoggedEvent
from tests.notifications.conftest import Team, call

pytestmark = pytest.mark.django_db(transaction=True)


def events(team: Team, user: User) -> list[dict[str, Any]]:
    key = streams.inbox(team.workspace.pk, user.pk)
    rows = LoggedEvent.objects.filter(
        stream__workspace_id=key.workspace_id, stream__user_id=key.user_id, stream__name=key.name
    )
    return [json.loads(text) for text in rows.order_by("offset").values_list("payload", flat=True)]


def read_some(team: Team, user: User, chance: random.Random) -> None:
    me = team.principal(user)
    unread = [each.pk for each in selectors.snapshot(me).unread]
    some = None if chance.random() < 0.2 else chance.sample(unread, len(unread) // 2)
    services.mark_read(principal=me, notification_ids=some)


def check(team: Team, user: User) -> None:
    """Replay the stream: event by event, the result equals the stored state."""
    unread: set[int] = set()
    for event in events(team, user):
        if event["type"] == "new_notification":
            unread.add(event["data"]["id"])
        else:
            assert set(event["ids"]) <= unread, "each is told as read once"
            unread -= set(event["ids"])
        assert event["unread_count"] == len(unread)
    stored = Notification.objects.filter(user=user, read_at=None)
    assert unread == set(stored.values_list("pk", flat=True))


async def test_counts_agree_with_their_place_whoever_commits_first(live_team: Team) -> None:
    chance = random.Random(7)
    people = [live_team.ann, live_team.ben, live_team.boss]

    def act(number: int) -> None:
        if number % 3:
            users = chance.sample(people, 2)
            live_team.tell(*users, dedupe_key=f"lap:{number // 4}" if number % 2 else "")
        else:
            read_some(live_team, chance.choice(people), chance)

    await asyncio.gather(*(call(act, number) for number in range(90)))
    for user in people:
        await call(check, live_team, user)
    assert await call(Notification.objects.count) > 60


async def test_one_key_told_by_many_at_once_is_told_once(live_team: Team) -> None:
    def tell(_: int) -> int:
        return len(live_team.tell(live_team.ann, live_team.ben, dedupe_key="the one"))

    made = await asyncio.gather(*(call(tell, number) for number in range(16)))
    assert sum(made) == 2
    assert await call(Notification.objects.filter(dedupe_key="the one").count) == 2
