"""Signing in and out through the pages."""

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import LoginTries, User, UserSession
from tests.support.people import PASSWORD, make_user

LOGIN = "/accounts/login/"


def sign_in(client: Client, username: str = "mina", password: str = PASSWORD, **fields: str):
    return client.post(LOGIN, {"username": username, "password": password, **fields})


def signed_in(client: Client) -> bool:
    return client.get("/accounts/profile/").status_code == 200


def test_the_right_password_opens_the_first_page(mina: User) -> None:
    client = Client()
    response = sign_in(client)
    assert response.status_code == 302
    assert response["Location"] == "/"
    assert signed_in(client)


@pytest.mark.parametrize("name", ["MINA", "mina@example.com", " Mina@Example.com "])
def test_the_name_may_be_written_in_any_case_or_be_the_address(mina: User, name: str) -> None:
    client = Client()
    sign_in(client, name)
    assert signed_in(client)


def test_a_username_wins_over_the_same_text_as_somebodys_address(mina: User) -> None:
    make_user("mina@example.com", password="other-gate-9")
    client = Client()
    sign_in(client, "mina@example.com", "other-gate-9")
    assert signed_in(client)
    assert not signed_in_as(mina)


def signed_in_as(user: User) -> bool:
    return UserSession.objects.filter(user=user).exists()


def test_one_is_taken_back_to_the_page_one_wanted(mina: User) -> None:
    assert sign_in(Client(), next="/accounts/profile/")["Location"] == "/accounts/profile/"


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_but_never_to_another_site(mina: User, url: str) -> None:
    assert sign_in(Client(), next=url)["Location"] == "/"


def test_a_page_for_members_asks_for_the_login(db: None) -> None:
    response = Client().get("/accounts/profile/")
    assert response["Location"] == "/accounts/login/?next=/accounts/profile/"


def test_who_is_signed_in_is_not_asked_again(browser: Client) -> None:
    assert browser.get(LOGIN)["Location"] == "/"


def test_a_device_is_remembered_for_14_days_only_if_one_says_so(mina: User) -> None:
    cookie = sign_in(Client(), remember="on").cookies["sessionid"]
    assert cookie["max-age"] == 14 * 24 * 3600
    cookie = sign_in(Client()).cookies["sessionid"]
    assert cookie["max-age"] == ""


def test_a_wrong_password_says_how_many_tries_are_left(mina: User) -> None:
    client = Client()
    for left in (4, 3, 2):
        page = sign_in(client, password="wrong").content.decode()
        assert f"Wrong username or password. {left} tries left." in page
        assert "#sev-crit" in page
        assert 'aria-invalid="true"' in page
    assert "1 try left." in sign_in(client, password="wrong").content.decode()


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", " ", "<script>", "o'hara; --"])
def test_strange_names_are_only_wrong_names(mina: User, name: str) -> None:
    response = sign_in(Client(), name, "wrong")
    assert response.status_code == 200
    assert "<script>" not in response.content.decode()


def test_an_unknown_name_gets_the_same_answer_as_a_known_one(mina: User) -> None:
    def answer(name: str) -> str:
        page = sign_in(Client(), name, "wrong").content.decode()
        return re.sub(r'value="[^"]*"', "", page)

    assert answer("mina") == answer("nobody")


def test_the_fifth_failure_says_when_to_try_again(mina: User) -> None:
    client = Client()
    for _ in range(4):
        sign_in(client, password="wrong")
    response = sign_in(client, password="wrong")
    assert response.status_code == 429
    assert 890 < int(response["Retry-After"]) <= 900
    assert "Too many failed tries. Try again in 15 minutes, at " in response.content.decode()
    assert sign_in(client).status_code == 429
    assert not signed_in(client)


def test_trying_on_does_not_make_the_wait_longer(mina: User) -> None:
    client = Client()
    for _ in range(5):
        sign_in(client, password="wrong")
    LoginTries.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    response = sign_in(client, password="wrong")
    assert int(response["Retry-After"]) <= 60
    assert "in 1 minute, at" in response.content.decode()


def test_after_the_wait_one_may_try_again(mina: User) -> None:
    client = Client()
    for _ in range(5):
        sign_in(client, password="wrong")
    LoginTries.objects.update(expires_at=timezone.now())
    sign_in(client)
    assert signed_in(client)


def test_another_browser_at_the_same_address_is_counted_together(mina: User) -> None:
    for number in range(5):
        response = sign_in(Client(HTTP_USER_AGENT=f"browser {number}"), password="wrong")
    assert response.status_code == 429
    assert 890 < int(response["Retry-After"]) <= 900


def test_a_deactivated_user_is_told_nothing_special(mina: User) -> None:
    User.objects.update(is_active=False)
    assert "Wrong username or password." in sign_in(Client()).content.decode()


def test_the_session_is_listed_with_its_device_and_address(mina: User) -> None:
    client = Client(HTTP_USER_AGENT="curl/8.5.0", REMOTE_ADDR="::ffff:203.0.113.7")
    sign_in(client)
    session = UserSession.objects.get(user=mina)
    assert session.session_key == client.session.session_key
    assert session.user_agent == "curl/8.5.0"
    assert session.address == "203.0.113.7"


def test_a_peer_without_an_ip_address_may_sign_in(mina: User) -> None:
    client = Client(REMOTE_ADDR="")
    sign_in(client)
    assert signed_in(client)


def test_the_session_changes_its_key_at_login(mina: User) -> None:
    client = Client()
    session = client.session
    session["before"] = 1
    session.save()
    before = session.session_key
    sign_in(client)
    assert client.session.session_key != before


def test_a_login_clears_expired_sessions_away(browser: Client, mina: User, revoked) -> None:
    key = browser.session.session_key
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    sign_in(Client())
    assert not Session.objects.filter(pk=key).exists()
    assert {"session_key": key} in revoked


def test_signing_out_ends_the_session_and_its_sockets(browser: Client, mina: User, revoked) -> None:
    key = browser.session.session_key
    assert browser.post("/accounts/logout/")["Location"] == LOGIN
    assert not UserSession.objects.filter(user=mina).exists()
    assert {"session_key": key} in revoked
    assert not signed_in(browser)


def test_a_link_cannot_sign_one_out(browser: Client) -> None:
    assert browser.get("/accounts/logout/").status_code == 405
    assert signed_in(browser)


def test_the_page_has_no_inline_script_or_style(db: None) -> None:
    page = Client().get(LOGIN).content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)


def test_the_admin_has_no_login_page_of_its_own(db: None) -> None:
    response = Client().get("/admin/", follow=True)
    assert response.redirect_chain[-1][0].startswith(LOGIN)
