"""What asks for the password again, and what is told by mail."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts import services
from accounts.login import confirmation
from accounts.models import ApiToken, User
from tests.accounts.login.test_passwords import mailed
from tests.support.people import PASSWORD, make_user

PROFILE, TOKENS = "/accounts/profile/", "/accounts/profile/tokens/"


@pytest.fixture
def stolen(browser: Client) -> Client:
    """A browser in which the password was typed long ago."""
    session = browser.session
    session[confirmation._KEY] = 0.0
    session.save()
    return browser


def profile(client: Client, **changes: str):
    return client.post(PROFILE, {"first_name": "", "last_name": "", **changes})


def test_another_address_needs_the_password(stolen: Client, mina: User) -> None:
    answer = profile(stolen, email="thief@example.com")
    assert answer.status_code == 400
    assert "Type your password to change this." in answer.content.decode()
    assert profile(stolen, email="thief@example.com", current_password="no").status_code == 400
    mina.refresh_from_db()
    assert mina.email == "mina@example.com"
    given = profile(stolen, email="m@example.com", current_password=PASSWORD)
    assert given.status_code == 302
    mina.refresh_from_db()
    assert mina.email == "m@example.com"


def test_a_name_does_not(stolen: Client, mina: User) -> None:
    assert profile(stolen, email=mina.email, first_name="Mina").status_code == 302


def test_a_token_needs_the_password(stolen: Client, mina: User) -> None:
    form = {"name": "bot", "membership": mina.memberships.get().pk, "lifetime": "30"}
    assert stolen.post(TOKENS, form).status_code == 400
    assert not ApiToken.objects.exists()
    assert stolen.post(TOKENS, {**form, "current_password": PASSWORD}).status_code == 200
    assert ApiToken.objects.count() == 1


def test_who_has_just_signed_in_is_not_asked_again(browser: Client, mina: User) -> None:
    assert "current_password" not in browser.get(PROFILE).content.decode()
    assert profile(browser, email="m@example.com").status_code == 302


def test_confirming_is_limited_as_signing_in_is(stolen: Client, mina: User) -> None:
    guesses = [profile(stolen, email="x@example.com", current_password="no") for _ in range(6)]
    assert [guess.status_code for guess in guesses] == [400] * 4 + [429] * 2
    login = {"username": "mina", "password": PASSWORD}
    assert Client().post("/accounts/login/", login).status_code == 429


@pytest.mark.parametrize("by", ["the user", "an administrator"])
def test_the_old_address_is_told_whoever_changes_it(
    mina: User, by: str, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        if by == "the user":
            services.update_profile(user=mina, first_name="", last_name="", email="n@example.com")
        else:
            mina.email = "n@example.com"
            services.save_user(user=mina, changed=["email"])
    from django.core import mail

    (body,) = mailed()
    assert mail.outbox[0].to == ["mina@example.com"]
    assert "no longer uses this address" in body


def test_nobody_is_told_of_what_did_not_change(
    db: None, django_capture_on_commit_callbacks
) -> None:
    user = make_user("zoe", email="")
    with django_capture_on_commit_callbacks() as callbacks:
        services.update_profile(user=user, first_name="Z", last_name="", email="z@example.com")
    assert callbacks == []
