"""API tokens over REST and from the command line: without a browser."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.login import confirmation, jwt
from accounts.login.authentication import authenticate
from accounts.models import ApiToken, User
from realtime.auth import Credentials
from tests.accounts.login.test_passwords import mailed
from tests.support.documented import DocumentedProgram
from tests.support.people import PASSWORD, join, make_user, make_workspace

TOKENS = "/api/v1/tokens/"


@pytest.fixture
def program() -> Client:
    return DocumentedProgram()


def make(client: Client, headers: dict[str, str] | None = None, **body: object):
    body = {"name": "exporter", **body}
    return client.post(TOKENS, body, content_type="application/json", headers=headers or {})


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def forget_password_was_typed(client: Client) -> None:
    session = client.session
    session[confirmation._KEY] = 0.0
    session.save()


def test_a_password_makes_a_token(mina: User, program: Client) -> None:
    answer = make(program, username="mina@example.com", password=PASSWORD, expires_in_days=7)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["name"], made["workspace"], made["state"]) == ("exporter", "home", "active")
    principal = authenticate(Credentials(bearer=made["token"]))
    assert principal is not None
    assert principal.user_id == mina.pk


def test_its_owner_is_told(mina: User, program: Client, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        make(program, username="mina", password=PASSWORD)
    (body,) = mailed()
    assert "An API token was made for mina at http://127.0.0.1:8000" in body
    assert "exporter" in body


def test_wrong_passwords_are_counted_with_all_others(mina: User, program: Client) -> None:
    codes = [make(program, username="mina", password="x").status_code for _ in range(5)]
    assert codes == [401] * 4 + [429]
    assert make(program, username="mina", password=PASSWORD).status_code == 429


def test_a_session_that_has_just_signed_in_makes_a_token(mina: User, browser: Client) -> None:
    assert make(browser).status_code == 201


def test_an_older_session_needs_the_password(mina: User, browser: Client) -> None:
    forget_password_was_typed(browser)
    answer = make(browser)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"password"}
    assert make(browser, password="wrong").status_code == 400
    assert make(browser, password=PASSWORD).status_code == 201
    assert ApiToken.objects.count() == 1


def test_a_jwt_needs_the_password(mina: User, program: Client) -> None:
    headers = bearer(jwt.issue(mina).access)
    assert make(program, headers).status_code == 400
    assert make(program, headers, password=PASSWORD).status_code == 201


def test_an_api_token_makes_no_other_token(mina: User, program: Client) -> None:
    secret = make(program, username="mina", password=PASSWORD).json()["token"]
    assert make(program, bearer(secret), password=PASSWORD).status_code == 403


def test_nobody_makes_none(db: None, program: Client) -> None:
    assert make(program).status_code == 401
    assert make(program, username="mina").status_code == 400


def test_a_workspace_one_is_not_in_is_not_found(mina: User, program: Client) -> None:
    make_workspace("other")
    for slug in ("other", "nowhere"):
        answer = make(program, username="mina", password=PASSWORD, workspace=slug)
        assert answer.status_code == 404


def test_unknown_fields_are_refused(mina: User, browser: Client) -> None:
    answer = make(browser, expires="never")
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"expires"}


def test_tokens_are_listed_without_their_secrets_and_revoked(
    mina: User, browser: Client, program: Client
) -> None:
    made = make(browser).json()
    (listed,) = browser.get(TOKENS).json()
    assert listed == {name: value for name, value in made.items() if name != "token"}
    assert browser.delete(f"{TOKENS}{made['id']}/").status_code == 204
    assert browser.get(TOKENS).json() == []
    assert program.get("/api/v1/me/", headers=bearer(made["token"])).status_code == 401
    assert browser.delete(f"{TOKENS}{10**30}/").status_code == 404


def test_an_api_token_sees_and_revokes_itself_alone(
    mina: User, browser: Client, program: Client
) -> None:
    one, other = make(browser).json(), make(browser).json()
    headers = bearer(one["token"])
    assert [token["id"] for token in program.get(TOKENS, headers=headers).json()] == [one["id"]]
    assert program.delete(f"{TOKENS}{other['id']}/", headers=headers).status_code == 404
    assert program.delete(f"{TOKENS}{one['id']}/", headers=headers).status_code == 204
    assert program.get(TOKENS, headers=headers).status_code == 401


def test_somebody_elses_token_is_not_found(mina: User, browser: Client, program: Client) -> None:
    made = make(browser).json()
    other = make_user("other")
    join(other, mina.workspaces.get())
    headers = bearer(jwt.issue(other).access)
    assert program.delete(f"{TOKENS}{made['id']}/", headers=headers).status_code == 404


def test_the_command_line_prints_the_secret_alone(mina: User) -> None:
    out = StringIO()
    call_command("create_token", "mina", "--name", "exporter", "--days", "30", stdout=out)
    principal = authenticate(Credentials(bearer=out.getvalue().strip()))
    assert principal is not None
    assert principal.user_id == mina.pk


@pytest.mark.parametrize("arguments", [["nobody"], ["mina", "--workspace", "nowhere"]])
def test_the_command_line_says_what_is_wrong(mina: User, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("create_token", *arguments)
