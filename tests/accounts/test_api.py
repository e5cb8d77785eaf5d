"""REST: tokens, tickets and the current user, as a program sees them."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from accounts import selectors, services
from accounts.login import jwt
from accounts.login.authentication import authenticate
from accounts.models import Role, User, Workspace
from realtime.auth import Credentials
from tests.support.documented import DocumentedProgram
from tests.support.people import PASSWORD, join, make_member, make_user, make_workspace

API = "/api/v1"


@pytest.fixture
def program() -> Client:
    return DocumentedProgram()


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def obtain(program: Client, username: str = "mina", password: str = PASSWORD):
    body = {"username": username, "password": password}
    return program.post(f"{API}/token/", body, content_type="application/json")


def api_token(user: User, slug: str) -> str:
    principal = selectors.principal_of(user, slug)
    _token, secret = services.create_token(
        user_id=user.pk, workspace_id=principal.workspace_id, name="program"
    )
    return secret


def test_a_program_obtains_a_jwt_and_uses_it(mina: User, program: Client) -> None:
    tokens = obtain(program).json()
    assert set(tokens) == {"access", "refresh", "expires_in", "refresh_expires_in"}
    assert (tokens["expires_in"], tokens["refresh_expires_in"]) == (15 * 60, 14 * 24 * 3600)
    me = program.get(f"{API}/me/", headers=bearer(tokens["access"]))
    assert me.json() == {
        "id": mina.pk,
        "username": "mina",
        "is_staff": False,
        "workspaces": [{"slug": "home", "name": "Team home", "role": "admin"}],
        "workspace": "home",
    }


def test_the_email_address_does_for_the_username(mina: User, program: Client) -> None:
    assert obtain(program, "Mina@Example.com").status_code == 200


def test_a_wrong_password_is_a_problem(mina: User, program: Client) -> None:
    response = obtain(program, password="wrong")
    assert response.status_code == 401
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "unauthenticated"


def test_missing_fields_are_named(db: None, program: Client) -> None:
    response = program.post(f"{API}/token/", {"username": "mina"}, content_type="application/json")
    assert response.status_code == 400
    assert set(response.json()["errors"]) == {"password"}


def test_an_inactive_user_obtains_and_refreshes_nothing(mina: User, program: Client) -> None:
    refresh = obtain(program).json()["refresh"]
    services.deactivate_user(user=mina)
    assert obtain(program).status_code == 401
    body = {"refresh": refresh}
    again = program.post(f"{API}/token/refresh/", body, content_type="application/json")
    assert again.status_code == 401


def test_a_refresh_token_gives_a_new_access_token(mina: User, program: Client) -> None:
    refresh = obtain(program).json()["refresh"]
    body = {"refresh": refresh}
    response = program.post(f"{API}/token/refresh/", body, content_type="application/json")
    login = jwt.login_of(response.json()["access"])
    assert login is not None
    assert login.user == mina


def test_an_access_token_refreshes_nothing(mina: User, program: Client) -> None:
    body = {"refresh": obtain(program).json()["access"]}
    response = program.post(f"{API}/token/refresh/", body, content_type="application/json")
    assert response.status_code == 401


def test_after_five_failures_even_the_right_password_waits(mina: User, program: Client) -> None:
    codes = [obtain(program, password="wrong").status_code for _ in range(5)]
    assert codes == [401, 401, 401, 401, 429]
    response = obtain(program)
    assert response.status_code == 429
    assert response.json()["code"] == "rate_limited"
    assert 840 < int(response["Retry-After"]) <= 900


def test_the_lockout_is_for_that_address_alone(mina: User, program: Client) -> None:
    for _ in range(5):
        obtain(program, password="wrong")
    elsewhere = Client(REMOTE_ADDR="203.0.113.9")
    assert obtain(elsewhere).status_code == 200


def test_a_forwarded_address_is_not_believed(mina: User) -> None:
    for number in range(5):
        liar = Client(HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
        last = obtain(liar, password="wrong")
    assert last.status_code == 429


def test_success_clears_the_failures_before_it(mina: User, program: Client) -> None:
    for name in ("mina", "mina@example.com"):
        for _ in range(4):
            obtain(program, name, "wrong")
        assert obtain(program).status_code == 200
    assert obtain(program, "mina@example.com", "wrong").status_code == 401


def test_tokens_cannot_be_guessed_fast(db: None, program: Client) -> None:
    codes = {obtain(program, f"user{n}", "x").status_code for n in range(31)}
    assert codes == {401, 429}


def test_me_needs_a_login(db: None, program: Client) -> None:
    response = program.get(f"{API}/me/")
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["code"] == "unauthenticated"


def test_a_bad_token_is_refused_though_the_cookie_is_good(browser: Client) -> None:
    assert browser.get(f"{API}/me/", headers=bearer("pw_nonsense")).status_code == 401


def test_me_says_which_workspace_was_asked_for(mina: User, browser: Client) -> None:
    join(mina, make_workspace("away"), Role.VIEWER)
    assert browser.get(f"{API}/me/").json()["workspace"] == "home"
    asked = browser.get(f"{API}/me/?workspace=away").json()
    assert asked["workspace"] == "away"
    assert [(w["slug"], w["role"]) for w in asked["workspaces"]] == [
        ("home", "admin"),
        ("away", "viewer"),
    ]


def test_me_of_somebody_in_no_workspace_is_not_found(program: Client, db: None) -> None:
    program.force_login(make_user())
    assert program.get(f"{API}/me/").status_code == 404


def test_a_ticket_is_good_for_one_socket(mina: User, browser: Client) -> None:
    response = browser.post(f"{API}/ws-ticket/")
    assert response.status_code == 201
    assert response.json()["expires_in"] == 60
    principal = authenticate(Credentials(ticket=response.json()["ticket"]))
    assert principal is not None
    assert principal.user_id == mina.pk
    assert principal.session_key == browser.session.session_key


def test_a_ticket_by_api_token_is_for_the_tokens_workspace(mina: User, program: Client) -> None:
    join(mina, make_workspace("away"))
    headers = bearer(api_token(mina, "away"))
    ticket = program.post(f"{API}/ws-ticket/", headers=headers).json()["ticket"]
    principal = authenticate(Credentials(ticket=ticket))
    assert principal is not None
    assert principal.workspace == "away"


def test_a_cookie_writes_only_with_the_csrf_token(mina: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(mina)
    assert strict.post(f"{API}/ws-ticket/").status_code == 403
    assert strict.get(f"{API}/me/").status_code == 200


def test_a_token_in_the_url_is_no_login(mina: User, program: Client) -> None:
    secret = api_token(mina, "home")
    assert program.get(f"{API}/me/?token={secret}").status_code == 401


def test_an_api_token_shows_when_it_was_last_used(mina: User, program: Client) -> None:
    secret = api_token(mina, "home")
    program.get(f"{API}/me/", headers=bearer(secret))
    assert mina.api_tokens.get().last_used_at is not None


def test_a_user_has_a_request_rate(mina: User, browser: Client, settings, monkeypatch) -> None:
    monkeypatch.setattr("accounts.login.throttling.UserThrottle.rate", "2/min", raising=False)
    codes = [browser.get(f"{API}/me/").status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    response = browser.get(f"{API}/me/")
    assert int(response["Retry-After"]) > 0
    assert response.json()["code"] == "rate_limited"


def test_the_user_model_is_ours() -> None:
    assert get_user_model() is User


def test_members_of_other_workspaces_do_not_show(home: Workspace, browser: Client) -> None:
    make_member(make_workspace("away"), username="zoe")
    assert "zoe" not in browser.get(f"{API}/me/").content.decode()
