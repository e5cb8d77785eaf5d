"""The examples of docs/protocol/, played against a real server."""

from __future__ import annotations

import json

import pytest

from realtime.database import threads
from realtime.presence import rules
from tests.conftest import Connect
from tests.docs import pages
from tests.docs.player import Different, Names, Player, compare
from tests.docs.world import World

PAGES = {page.stem: page.read_text() for page in pages.pages()}
ENDPOINTS = {"dashboard", "chat", "notifications", "common"}


@pytest.mark.parametrize("page", PAGES)
async def test_what_a_page_shows_is_what_happens(
    page: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "GRACE", 0.1)
    player = Player(connect, await threads.call(World))
    for step in pages.steps(PAGES[page]):
        await player.play(step)


@pytest.mark.parametrize("page", sorted(ENDPOINTS | {"README"}))
def test_pages_have_examples(page: str) -> None:
    received = [
        step
        for step in pages.steps(PAGES[page])
        if isinstance(step, pages.Example) and step.direction == pages.RECEIVED
    ]
    assert len(received) >= 5


@pytest.mark.parametrize(
    ("shown", "came"),
    [
        ({"type": "ack"}, {"type": "ack", "more": 1}),
        ({"type": "ack", "more": 1}, {"type": "ack"}),
        ({"type": "ack"}, {"type": "error"}),
        ({"offset": 1}, {"offset": "1"}),
        ({"on": True}, {"on": 1}),
        ({"by": None}, {"by": 1}),
        ({"data": []}, {"data": [1]}),
        ({"data": [{"a": 1}]}, {"data": [{"a": None}]}),
        ({"timestamp": "2026-11-28T09:30:00.000000Z"}, {"timestamp": "just now"}),
        ({"user_id": 7, "by": 7}, {"user_id": 1, "by": 2}),
    ],
)
def test_a_difference_is_seen(shown: object, came: object) -> None:
    with pytest.raises(Different):
        compare(shown, came, Names(), "frame")


def test_only_shapes_count() -> None:
    shown = {"user_id": 7, "by": 7, "value": 12.5, "text": "x", "data": [{"a": 1}]}
    came = {"user_id": 1, "by": 1, "value": 3, "text": "yz", "data": [{"a": 2}, {"a": 3}]}
    compare(json.loads(json.dumps(shown)), came, Names(), "frame")
