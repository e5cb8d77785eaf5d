"""The registry of live cards, and the changes that apps report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from notifications import cards
from realtime.auth import Principal
from realtime.errors import NotFound
from realtime.fanout.latest import LatestFeed

ANN = Principal(1, "ann", False, 7, "pit", "member")


def states(principal: Principal, references: Sequence[str]) -> dict[str, Any]:
    known = {"1": {"laps": 3}, "2": {"laps": 5}}
    return {each: known.get(each) for each in references}


@pytest.fixture
def laps() -> Iterator[cards.CardKind]:
    yield cards.register(cards.CardKind("lap", state=states))
    cards.registry.unregister("lap")


def test_a_registered_kind_is_found_by_its_name(laps: cards.CardKind) -> None:
    assert cards.get("lap") is laps
    assert laps.actions == {}


def test_a_name_that_is_taken_is_refused(laps: cards.CardKind) -> None:
    with pytest.raises(ValueError, match="lap"):
        cards.register(cards.CardKind("lap", state=lambda who, refs: {}))


def test_a_kind_that_nobody_registered_is_not_found() -> None:
    with pytest.raises(NotFound, match="no_such"):
        cards.get("no_such")


def test_who_may_see_none_of_the_cards_follows_nothing(laps: cards.CardKind) -> None:
    assert laps.followed(ANN, ["3", "4"]) is None


def test_only_the_cards_that_one_can_see_change_for_one(laps: cards.CardKind) -> None:
    followed = laps.followed(ANN, ["1", "3"])
    assert followed is not None
    key, selection = followed
    assert key.workspace_id == ANN.workspace_id
    payload = LatestFeed(key).merge({"1": {"laps": 4}, "3": {"laps": 1}}, {"1": {"laps": 9}})
    assert [msgspec.json.decode(frame) for frame in selection.frames(payload)] == [
        {"type": "card_update", "kind": "lap", "reference": "1", "state": {"laps": 9}}
    ]
