"""The registry of live cards."""

from __future__ import annotations

import pytest

from notifications import cards
from realtime.errors import NotFound


def test_a_registered_kind_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "_kinds", {})
    kind = cards.CardKind("lap", state=lambda who, refs: {}, follow=lambda who, refs: None)
    cards.register(kind)
    assert cards.get("lap") is kind
    assert kind.actions == {}


def test_a_kind_that_nobody_registered_is_not_found() -> None:
    with pytest.raises(NotFound, match="no_such"):
        cards.get("no_such")
