"""Fixtures of the accounts tests."""

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.login.activity import recent_use
from accounts.models import Role, User, Workspace
from tests.support.people import PASSWORD, make_member, make_workspace


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Clear the request rates and recent uses of earlier tests."""
    cache.clear()
    recent_use.forget()


@pytest.fixture
def revoked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Record the orders to close sockets."""
    orders: list[dict[str, object]] = []
    monkeypatch.setattr("realtime.auth.revoke", lambda **criteria: orders.append(criteria))
    return orders


@pytest.fixture
def reauthorized(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Record the orders to have sockets reconnect."""
    orders: list[dict[str, object]] = []
    monkeypatch.setattr("realtime.auth.reauthorize", lambda **criteria: orders.append(criteria))
    return orders


@pytest.fixture
def home(db: None) -> Workspace:
    return make_workspace("home")


@pytest.fixture
def mina(home: Workspace) -> User:
    """Create an admin of `home`."""
    return make_member(home, Role.ADMIN, "mina", email="mina@example.com")


@pytest.fixture
def browser(mina: User) -> Client:
    """Return Mina's browser, signed in through the page."""
    client = Client(HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/146.0")
    client.post("/accounts/login/", {"username": "mina", "password": PASSWORD, "remember": "on"})
    return client
