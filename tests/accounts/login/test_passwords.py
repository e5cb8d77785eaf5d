"""Changing and resetting passwords."""

import re
import time

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client

from accounts import services
from accounts.models import User, UserSession
from tests.support.people import PASSWORD, make_user

CHANGE = "/accounts/password/change/"
RESET = "/accounts/password/reset/"
NEW = "tyre-wall-kerb-8"


def change(client: Client, old: str = PASSWORD, new: str = NEW):
    form = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post(CHANGE, form)


def mailed() -> list[str]:
    """Wait for mails, which are sent from a thread, and return their bodies."""
    deadline = time.monotonic() + 5
    while not mail.outbox and time.monotonic() < deadline:
        time.sleep(0.01)
    return [str(message.body) for message in mail.outbox]


def link_in(body: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/\S+)", body)
    assert found
    return found[1]


def ask_for_link(address: str = "mina@example.com"):
    return Client().post(RESET, {"email": address})


def test_a_change_signs_out_all_but_this_browser(browser: Client, mina: User, revoked) -> None:
    phone = Client()
    phone.force_login(mina)
    assert change(browser)["Location"] == "/accounts/profile/security/"
    assert browser.get("/accounts/profile/").status_code == 200
    assert phone.get("/accounts/profile/").status_code == 302
    assert {"user_id": mina.pk} in revoked


def test_the_sessions_key_changes_and_it_stays_listed(browser: Client, mina: User) -> None:
    before = browser.session.session_key
    change(browser)
    browser.get("/accounts/profile/")
    session = UserSession.objects.get(user=mina)
    assert session.session_key == browser.session.session_key != before


def test_the_old_password_must_be_right(browser: Client, mina: User) -> None:
    response = change(browser, old="wrong")
    assert response.status_code == 200
    assert mina.check_password(PASSWORD)


@pytest.mark.parametrize("weak", ["short", "12345678901", "password123", "mina@example.com"])
def test_a_weak_password_is_refused(browser: Client, mina: User, weak: str) -> None:
    change(browser, new=weak)
    mina.refresh_from_db()
    assert mina.check_password(PASSWORD)


def test_a_password_set_at_the_terminal_closes_sockets_too(
    mina: User, revoked, monkeypatch
) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: NEW)
    call_command("changepassword", "mina", verbosity=0)
    assert {"user_id": mina.pk} in revoked


def test_a_password_taken_away_closes_sockets_too(mina: User, revoked) -> None:
    services.change_password(user=mina, password=None)
    assert not mina.has_usable_password()
    assert revoked == [{"user_id": mina.pk}]


def test_a_login_does_not_close_the_users_other_sockets(mina: User, revoked, settings) -> None:
    # A login may store the password again with a better hasher.
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    Client().post("/accounts/login/", {"username": "mina", "password": PASSWORD})
    mina.refresh_from_db()
    assert mina.password.startswith("pbkdf2")
    assert {"user_id": mina.pk} not in revoked


def test_the_link_from_the_mail_sets_a_password_once(mina: User, revoked) -> None:
    phone = Client()
    phone.force_login(mina)
    ask_for_link("Mina@Example.com")
    link = link_in(mailed()[0])
    client = Client()
    form_url = client.get(link)["Location"]
    response = client.post(form_url, {"new_password1": NEW, "new_password2": NEW})
    assert response["Location"] == "/accounts/password/reset/done/"

    mina.refresh_from_db()
    assert mina.check_password(NEW)
    assert {"user_id": mina.pk} in revoked
    assert phone.get("/accounts/profile/").status_code == 302
    assert "does not work any more" in Client().get(link).content.decode()


def test_the_link_goes_to_the_configured_origin_whatever_host_was_asked(mina: User) -> None:
    Client().post(RESET, {"email": "mina@example.com"}, HTTP_HOST="testserver:6666")
    (body,) = mailed()
    assert link_in(body)
    assert "6666" not in body
    assert "testserver" not in body


def test_the_page_does_not_tell_whether_an_account_exists(mina: User) -> None:
    known = ask_for_link()
    unknown = ask_for_link("nobody@example.com")
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert len(mailed()) == 1


def test_nobody_is_flooded_with_mail(mina: User) -> None:
    for _ in range(3):
        ask_for_link()
    assert len(mailed()) == 1


def test_a_deactivated_user_gets_no_link(mina: User) -> None:
    services.deactivate_user(user=mina)
    make_user("zoe", email="zoe@example.com")
    ask_for_link()
    ask_for_link("zoe@example.com")
    assert [body for body in mailed() if "mina" in body] == []


def test_mail_that_fails_breaks_no_page_and_is_logged(mina: User, settings, caplog) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert ask_for_link().status_code == 302
    deadline = time.monotonic() + 5
    while "Mail could not be sent" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "Mail could not be sent" in caplog.text


@pytest.mark.parametrize("path", [RESET, f"{RESET}sent/", f"{RESET}done/", f"{RESET}x/y-z/"])
def test_each_page_of_the_reset_shows(db: None, path: str) -> None:
    assert Client().get(path).status_code == 200
