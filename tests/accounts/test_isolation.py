"""Workspace isolation of accounts: nothing can be read, listed or used from another workspace."""

import pytest
from django.test import Client

from accounts import selectors, services
from accounts.login.authentication import authenticate
from accounts.models import ApiToken, Role, User, Workspace
from realtime.auth import Credentials
from realtime.errors import NotFound
from tests.support.people import join, make_member, make_workspace

API = "/api/v1"


@pytest.fixture
def other(db: None) -> Workspace:
    """Create a workspace that Mina does not belong to."""
    return make_workspace("other", name="Secret project")


@pytest.fixture
def zoe(other: Workspace) -> User:
    return make_member(other, Role.OWNER, "zoe", email="zoe@example.com")


def secret_of(user: User, slug: str) -> str:
    principal = selectors.principal_of(user, slug)
    _token, secret = services.create_token(
        user_id=user.pk, workspace_id=principal.workspace_id, name="theirs"
    )
    return secret


@pytest.mark.parametrize("path", ["me/", "ws-ticket/"])
def test_a_foreign_workspace_looks_like_one_that_does_not_exist(
    browser: Client, zoe: User, path: str
) -> None:
    def answer(slug: str) -> tuple[int, object]:
        method = browser.get if path == "me/" else browser.post
        response = method(f"{API}/{path}?workspace={slug}")
        return response.status_code, response.json()

    assert answer("other") == answer("no-such-place")
    assert answer("other")[0] == 404


def test_no_socket_opens_in_a_foreign_workspace(browser: Client, mina: User, zoe: User) -> None:
    for credentials in (
        Credentials(session_key=browser.session.session_key, workspace="other"),
        Credentials(bearer=secret_of(mina, "home"), workspace="other"),
        Credentials(
            ticket=services.issue_ticket(principal=selectors.principal_of(mina)).ticket,
            workspace="other",
        ),
    ):
        assert authenticate(credentials) is None


def test_a_token_of_one_workspace_does_not_reach_another_of_the_same_user(
    mina: User, other: Workspace
) -> None:
    join(mina, other)
    program = Client(headers={"Authorization": f"Bearer {secret_of(mina, 'home')}"})
    assert program.get(f"{API}/me/?workspace=other").status_code == 404
    assert program.post(f"{API}/ws-ticket/?workspace=other").status_code == 404
    assert "other" not in program.get(f"{API}/me/").content.decode()


def test_me_and_the_profile_name_nobody_and_nothing_of_another_workspace(
    browser: Client, zoe: User
) -> None:
    secret_of(zoe, "other")
    for path in (f"{API}/me/", "/accounts/profile/"):
        page = browser.get(path).content.decode()
        assert "Secret project" not in page
        assert "zoe" not in page
        assert "theirs" not in page


def test_the_tokens_and_sessions_of_somebody_else_cannot_be_ended(
    browser: Client, zoe: User
) -> None:
    secret_of(zoe, "other")
    Client().force_login(zoe)
    token, session = zoe.api_tokens.get(), zoe.sessions.get()
    for path in (f"tokens/{token.pk}/revoke/", f"sessions/{session.pk}/end/"):
        assert browser.post(f"/accounts/profile/{path}").status_code == 404
    assert zoe.sessions.exists()
    assert ApiToken.objects.get().revoked_at is None


def test_no_token_can_be_made_in_a_foreign_workspace(
    browser: Client, mina: User, zoe: User
) -> None:
    membership = zoe.memberships.get()
    form = {"name": "x", "membership": membership.pk, "lifetime": "30"}
    assert browser.post("/accounts/profile/tokens/", form).status_code == 400
    with pytest.raises(NotFound):
        services.create_token(user_id=mina.pk, workspace_id=membership.workspace_id, name="x")
    assert not ApiToken.objects.exists()


def test_the_default_of_somebody_else_cannot_be_chosen(browser: Client, zoe: User) -> None:
    path = f"/accounts/profile/memberships/{zoe.memberships.get().pk}/default/"
    assert browser.post(path).status_code == 404


def test_active_users_are_counted_in_their_own_workspace(
    browser: Client, home: Workspace, zoe: User
) -> None:
    Client().force_login(zoe)
    assert selectors.active_user_count(home.pk) == 1
