"""Fixtures of the dashboard's tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

Api = Callable[..., APIClient]


@pytest.fixture
def api() -> Api:
    """`api(user)`: a REST client that is signed in as `user`."""

    def signed_in(user: Any) -> APIClient:
        client = APIClient()
        client.force_login(user)
        return client

    return signed_in
