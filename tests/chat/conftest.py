"""Fixtures of chat's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.support.rooms import Team

Api = Callable[..., APIClient]


@pytest.fixture
def api() -> Api:
    """`api(user)`: a REST client that is signed in as `user`."""

    def signed_in(user: Any) -> APIClient:
        client = APIClient()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture(autouse=True)
def uploads_folder(tmp_path: Path, settings: Any) -> Path:
    """Each test has a folder of its own for files."""
    settings.UPLOADS_DIR = tmp_path / "uploads"
    return settings.UPLOADS_DIR


@pytest.fixture
def team(db: None) -> Team:
    return Team()
