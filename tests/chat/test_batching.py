"""Messages that wait together share a commit; what goes wrong with one is its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import OperationalError

from chat import batching, services
from chat.batching import Poster
from chat.models import Message
from chat.services import Draft
from realtime import gauges, threads
from realtime.errors import NotFound
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def team(transactional_db: None) -> Team:
    return Team()


def draft(team: Team, text: str, room: str = "general") -> Draft:
    return services.draft_message(principal=team.as_(team.alice), room=room, text=text)


async def drafts(team: Team, *texts: str) -> list[Draft]:
    return [await threads.call(draft, team, text) for text in texts]


async def test_what_comes_together_is_committed_together(team: Team) -> None:
    poster = Poster()
    waiting = await drafts(team, *(str(number) for number in range(20)))
    before = gauges.commits.value
    sent = await asyncio.gather(*(poster.post(each) for each in waiting))
    assert [each.sequence for each in sent] == list(range(1, 21))
    assert gauges.commits.value - before == 1


async def test_one_that_is_refused_does_not_hold_up_the_others(team: Team) -> None:
    poster = Poster()
    good = await drafts(team, "one", "two")
    bad = await threads.call(draft, team, "nowhere", "no-such-room")
    results = await asyncio.gather(
        *(poster.post(each) for each in (good[0], bad, good[1])), return_exceptions=True
    )
    assert isinstance(results[1], NotFound)
    assert await threads.call(Message.objects.count) == 2


async def test_a_bug_in_one_is_its_own(team: Team, monkeypatch: Any) -> None:
    real = services.post_drafts

    def post(batch: Sequence[Draft]) -> Any:
        if any(each.written.text == "broken" for each in batch):
            raise ZeroDivisionError
        return real(batch)

    monkeypatch.setattr(batching, "post_drafts", post)
    poster = Poster()
    results = await asyncio.gather(
        *(poster.post(each) for each in await drafts(team, "one", "broken", "two")),
        return_exceptions=True,
    )
    assert [type(each).__name__ for each in results] == ["Sent", "ZeroDivisionError", "Sent"]


async def test_a_database_that_is_away_is_so_for_all(team: Team, monkeypatch: Any) -> None:
    calls = []

    def away(batch: Sequence[Draft]) -> Any:
        calls.append(len(batch))
        raise OperationalError

    monkeypatch.setattr(batching, "post_drafts", away)
    poster = Poster()
    waiting = await drafts(team, "one", "two")
    results = await asyncio.gather(*(poster.post(each) for each in waiting), return_exceptions=True)
    assert [type(each) for each in results] == [OperationalError] * 2
    assert calls == [2]
