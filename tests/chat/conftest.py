"""Fixtures of chat's tests."""

from __future__ import annotations

import pytest

from tests.support.rooms import Team


@pytest.fixture
def team(db: None) -> Team:
    return Team()
