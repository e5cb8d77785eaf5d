"""Messages that wait together share a commit (more in tests/realtime/database/test_batching.py)."""

from __future__ import annotations

import asyncio

import pytest

from chat import services
from chat.batching import poster
from chat.models import Message
from chat.services import Draft
from realtime.database import threads
from realtime.errors import NotFound
from realtime.process import gauges
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
    waiting = await drafts(team, *(str(number) for number in range(20)))
    before = gauges.commits.value
    sent = await asyncio.gather(*(poster.submit(each) for each in waiting))
    assert [each.sequence for each in sent] == list(range(1, 21))
    assert gauges.commits.value - before == 1


async def test_one_that_is_refused_does_not_hold_up_the_others(team: Team) -> None:
    good = await drafts(team, "one", "two")
    bad = await threads.call(draft, team, "nowhere", "no-such-room")
    results = await asyncio.gather(
        *(poster.submit(each) for each in (good[0], bad, good[1])), return_exceptions=True
    )
    assert isinstance(results[1], NotFound)
    assert await threads.call(Message.objects.count) == 2
