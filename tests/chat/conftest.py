"""Fixtures of the chat tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.rooms import Team


@pytest.fixture(autouse=True)
def uploads_folder(tmp_path: Path, settings: Any) -> Path:
    """Give each test its own upload folder."""
    settings.UPLOADS_DIR = tmp_path / "uploads"
    return settings.UPLOADS_DIR


@pytest.fixture
def team(db: None) -> Team:
    return Team()
