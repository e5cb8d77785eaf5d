"""Wrong passwords are limited, on a running server, whatever way they come in."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.models import LoginTries, User
from accounts.retention import TriesExpiry
from realtime.database import threads
from tests.support.people import PASSWORD, make_user

LOGIN, TOKEN = "/accounts/login/", "/api/v1/token/"
TRIES = 5


@pytest.fixture
def trusted_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests say where they come from, as behind a proxy."""
    from realtime.http.middleware import trust_proxies
    from realtime_project import asgi

    monkeypatch.setattr(asgi, "application", trust_proxies(asgi.application, ["127.0.0.1"]))


@pytest_asyncio.fixture
async def web(trusted_proxy: None, server: str) -> AsyncIterator[Web]:
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(base_url=f"http://{server}", timeout=30, limits=limits) as http:
        yield Web(http)


class Web:
    """Both ways to sign in, from any address."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def form(self, name: str, password: str = "wrong", at: str = "198.51.100.7"):
        self.http.cookies.clear()
        page = await self.http.get(LOGIN)
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert found
        return await self.http.post(
            LOGIN,
            data={"csrfmiddlewaretoken": found[1], "username": name, "password": password},
            headers={"X-Forwarded-For": at},
        )

    async def api(self, name: str, password: str = "wrong", at: str = "198.51.100.7"):
        return await self.http.post(
            TOKEN,
            json={"username": name, "password": password},
            headers={"X-Forwarded-For": at},
        )

    async def lock_out(self, name: str, at: str = "198.51.100.7") -> list[int]:
        return [(await self.api(name, at=at)).status_code for _ in range(TRIES)]


@pytest.fixture
def mina(transactional_db: None) -> User:
    return make_user("mina", email="mina@example.com")


async def test_the_page_says_until_when(web: Web, mina: User) -> None:
    answers = [await web.form("mina") for _ in range(TRIES + 1)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    for refused in answers[4:]:
        assert 890 < int(refused.headers["Retry-After"]) <= 900
        assert "Too many failed tries. Try again in 15 minutes, at " in refused.text


async def test_the_api_answers_with_a_problem_document(web: Web, mina: User) -> None:
    assert await web.lock_out("mina") == [401] * 4 + [429]
    refused = await web.api("mina", PASSWORD)
    assert refused.status_code == 429
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert 890 < int(refused.headers["Retry-After"]) <= 900
    assert refused.json()["code"] == "rate_limited"


async def test_form_and_api_count_together(web: Web, mina: User) -> None:
    for _ in range(TRIES):
        await web.form("mina")
    assert (await web.api("mina", PASSWORD)).status_code == 429


async def test_name_and_address_of_a_user_count_as_one(web: Web, mina: User) -> None:
    names = ["mina", "mina@example.com", "MINA", " Mina@Example.COM ", "ｍｉｎａ"]
    assert [(await web.api(name)).status_code for name in names] == [401] * 4 + [429]


async def test_a_name_nobody_has_is_counted_in_whatever_case(web: Web) -> None:
    names = ["Ольга", "ольга", "ОЛЬГА", "Ольга ", "ОльГа"]
    assert [(await web.api(name)).status_code for name in names] == [401] * 4 + [429]


async def test_a_letter_that_only_looks_the_same_is_another_name(web: Web) -> None:
    await threads.call(make_user, "alice")
    assert (await web.api("alıce", PASSWORD)).status_code == 401
    await web.lock_out("alıce")
    assert (await web.api("alice", PASSWORD)).status_code == 200


async def test_of_many_tries_at_once_five_are_checked(
    web: Web, mina: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    check = User.check_password

    def counted(user: User, password: str) -> bool:
        checked.append(password)
        return check(user, password)

    monkeypatch.setattr(User, "check_password", counted)
    tries = [web.api("mina", f"wrong {n}") for n in range(39)]
    answers = await asyncio.gather(*tries)
    codes = Counter(answer.status_code for answer in answers)
    assert codes == {401: 4, 429: 35}
    assert len(checked) == TRIES


async def test_addresses_of_one_ipv6_network_count_together(web: Web, mina: User) -> None:
    tries = [await web.api("mina", at=f"2001:db8:1:2::{n:x}") for n in range(TRIES)]
    assert tries[-1].status_code == 429
    assert (await web.api("mina", PASSWORD, at="2001:db8:1:2:ffff::1")).status_code == 429
    assert (await web.api("mina", PASSWORD, at="2001:db8:1:3::1")).status_code == 200


async def test_nobody_is_shut_out_by_what_others_try_elsewhere(web: Web, mina: User) -> None:
    await web.lock_out("mina", at="203.0.113.1")
    assert (await web.form("mina", PASSWORD, at="203.0.113.2")).status_code == 302


async def test_many_names_from_one_address_are_limited(web: Web, mina: User) -> None:
    codes = Counter()
    for n in range(40):
        way = web.form if n % 2 else web.api
        codes[(await way(f"name{n}", at="192.0.2.9")).status_code] += 1
    most = settings.LOGIN_LIMITS["tries_per_address"]
    assert codes[429] == 40 - most
    assert (await web.api("mina", PASSWORD, at="192.0.2.9")).status_code == 429
    assert (await web.api("mina", PASSWORD, at="192.0.2.10")).status_code == 200


async def test_asking_for_reset_mails_counts_too(web: Web, mina: User) -> None:
    browser = Client(REMOTE_ADDR="192.0.2.9")
    form = {"email": "nobody@example.com"}

    def ask() -> int:
        return browser.post("/accounts/password/reset/", form).status_code

    codes = [await threads.call(ask) for _ in range(settings.LOGIN_LIMITS["tries_per_address"])]
    assert set(codes) == {302}
    assert await threads.call(ask) == 429
    assert (await web.api("mina", PASSWORD, at="192.0.2.9")).status_code == 429


async def test_right_passwords_do_not_use_up_what_an_address_has(web: Web, mina: User) -> None:
    most = settings.LOGIN_LIMITS["tries_per_address"]
    signed_in = [await web.form("mina", PASSWORD) for _ in range(most + 1)]
    assert {answer.status_code for answer in signed_in} == {302}


async def test_tries_from_everywhere_wait_longer_and_longer_and_none_is_refused(
    web: Web, mina: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("accounts.login.passwords.time.sleep", waits.append)
    await web.api("mina", PASSWORD, at="203.0.113.99")  # known from now on
    for n in range(20):
        assert (await web.api("mina", at=f"203.0.113.{n}")).status_code == 401
    assert waits == sorted(waits)
    assert waits[0] < 1
    assert waits[-1] == settings.LOGIN_LIMITS["max_delay"]
    assert (await web.api("mina", PASSWORD, at="192.0.2.1")).status_code == 200
    assert waits[-1] <= settings.LOGIN_LIMITS["max_delay"]
    before = len(waits)
    assert (await web.api("mina", PASSWORD, at="203.0.113.99")).status_code == 200
    assert len(waits) == before


async def test_an_unknown_name_costs_a_hash_as_a_known_one_does(
    web: Web, mina: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    class Counting(MD5PasswordHasher):
        def encode(self, password: str, salt: str) -> str:
            hashed.append(password)
            return super().encode(password, salt)

    monkeypatch.setattr("django.contrib.auth.hashers.get_hashers", lambda: [Counting()])
    monkeypatch.setattr(
        "django.contrib.auth.hashers.get_hashers_by_algorithm", lambda: {"md5": Counting()}
    )
    await web.api("mina", at="192.0.2.1")
    known, hashed[:] = len(hashed), []
    await web.api("nobody", at="192.0.2.2")
    assert len(hashed) == known == 1


async def test_an_old_password_cannot_be_guessed_in_a_stolen_session(web: Web, mina: User) -> None:
    browser = Client(REMOTE_ADDR="192.0.2.9")
    await threads.call(browser.force_login, mina)
    form = {"old_password": "wrong", "new_password1": "x", "new_password2": "x"}

    def change() -> int:
        return browser.post("/accounts/password/change/", form).status_code

    codes = [await threads.call(change) for _ in range(6)]
    assert codes == [200] * 4 + [429] * 2
    assert (await web.api("mina", PASSWORD, at="192.0.2.9")).status_code == 429


async def test_a_reset_by_mail_ends_the_lockout(web: Web, mina: User) -> None:
    await web.lock_out("mina")
    await threads.call(services.clear_tries, user=mina, record=False)
    assert (await web.api("mina", PASSWORD)).status_code == 200


async def test_counts_that_are_over_are_removed_and_known_addresses_stay(
    web: Web, mina: User
) -> None:
    await web.api("mina", PASSWORD, at="192.0.2.1")
    await web.api("mina", at="192.0.2.2")
    past = timezone.now() - timedelta(days=1)
    await threads.call(LoginTries.objects.update, expires_at=past)
    await threads.call(TriesExpiry().remove_some)
    left = await threads.call(lambda: list(LoginTries.objects.values_list("block", flat=True)))
    assert left == ["192.0.2.1"]
