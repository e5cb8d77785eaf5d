"""How passwords are hashed, and that few are at once."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import Client

from accounts import hashing, services
from accounts.hashing import Argon2, Places
from accounts.login import jwt, line
from accounts.login.line import Line
from accounts.models import User
from realtime.errors import Unavailable
from tests.support.people import PASSWORD, make_user

LOGIN = "/accounts/login/"


class FewAtOnce:
    """Stands in for the work: notes how many do it at the same moment."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._guard = threading.Lock()

    def __enter__(self) -> None:
        with self._guard:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *exception: object) -> None:
        with self._guard:
            self.now -= 1


def together(count: int, work) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


@pytest.fixture
def argon2(settings) -> None:
    settings.PASSWORD_HASHERS = ["accounts.hashing.Argon2", "accounts.hashing.PBKDF2"]


def test_the_parameters_are_owasps(argon2: None, db: None) -> None:
    encoded = make_user("mina").password
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_an_older_hash_is_replaced_at_the_next_sign_in_and_sessions_stay(
    argon2: None, db: None, settings
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    mina = make_user("mina")
    assert "m=102400" in mina.password
    phone, program = Client(), jwt.issue(mina)
    phone.force_login(mina)
    settings.PASSWORD_HASHERS = ["accounts.hashing.Argon2"]
    assert Client().post(LOGIN, {"username": "mina", "password": PASSWORD}).status_code == 302
    mina.refresh_from_db()
    assert "m=19456" in mina.password
    assert phone.get("/accounts/profile/").status_code == 200
    assert jwt.login_of(program.access) is not None
    services.change_password(user=mina, password="another-gate-8")
    assert phone.get("/accounts/profile/").status_code == 302


def test_hashing_again_does_not_undo_a_change_at_the_same_moment(
    argon2: None, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    mina = make_user("mina")
    old = Argon2PasswordHasher().encode(PASSWORD, "saltsaltsaltsalt")
    User.objects.filter(pk=mina.pk).update(password=old)
    stale = User.objects.get(pk=mina.pk)
    services.change_password(user=mina, password="another-gate-8")
    assert stale.check_password(PASSWORD)
    mina.refresh_from_db()
    assert mina.check_password("another-gate-8")


def test_few_hash_at_once_whatever_asks_for_it(
    argon2: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = FewAtOnce()
    encode = Argon2PasswordHasher.encode

    def encode_counted(self: Argon2PasswordHasher, password: str, salt: str) -> str:
        with counted:
            return encode(self, password, salt)

    monkeypatch.setattr(Argon2PasswordHasher, "encode", encode_counted)
    monkeypatch.setattr(hashing, "_hash_threads", None)
    together(12, lambda: Argon2().encode("x", "saltsaltsaltsalt"))
    assert counted.most <= 2


def test_an_older_hash_that_takes_more_memory_is_computed_alone() -> None:
    places, counted = Places(2), FewAtOnce()

    def work() -> None:
        with places.taken(6, 30), counted:
            pass

    together(8, work)
    assert counted.most == 1


def test_who_waits_too_long_for_a_place_is_told_to_come_back() -> None:
    places = Places(1)
    with places.taken(1, 1), pytest.raises(Unavailable) as refusal, places.taken(1, 0.01):
        pass
    assert refusal.value.retry_after
    with places.taken(1, 0.01):
        pass


def test_the_line_goes_round_the_addresses() -> None:
    waiting, served = Line(1), []
    waiting.enter("first", 1)
    crowd = []
    for number, key in enumerate(["a", "a", "a", "b"]):

        def come(key: str = key) -> None:
            assert waiting.enter(key, 30)
            served.append(key)
            waiting.leave()

        thread = threading.Thread(target=come)
        thread.start()
        crowd.append(thread)
        while waiting._length() <= number:
            pass
    waiting.leave()
    for thread in crowd:
        thread.join(30)
    assert served == ["a", "b", "a", "a"]


def test_a_full_line_takes_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "MAX_WAITING", 0)
    waiting = Line(1)
    assert waiting.enter("a", 1)
    assert not waiting.enter("b", 1)
    waiting.leave()
    assert waiting.enter("b", 1)


@pytest.mark.parametrize(("path", "page"), [(LOGIN, True), ("/api/v1/token/", False)])
def test_a_busy_server_says_when_to_come_back_and_counts_no_try(
    db: None, monkeypatch: pytest.MonkeyPatch, path: str, page: bool
) -> None:
    make_user("mina")
    with monkeypatch.context() as busy:
        busy.setattr(User, "check_password", _busy)
        for _ in range(6):
            answer = _post(path)
            assert answer.status_code == 503
            assert int(answer["Retry-After"]) > 0
    kind = "text/html" if page else "application/problem+json"
    assert answer["Content-Type"].startswith(kind)
    assert _post(path).status_code < 400


def _post(path: str):
    body = {"username": "mina", "password": PASSWORD}
    kind = {"content_type": "application/json"} if "api" in path else {}
    return Client().post(path, body, **kind)


def _busy(user: User, password: str) -> bool:
    raise Unavailable("Too many people are signing in at this moment. Try again.", retry_after=5)


def test_a_page_that_sets_a_password_says_so_too(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    boss = make_user("boss", is_staff=True, is_superuser=True)
    mina = make_user("mina")
    client = Client()
    client.force_login(boss)

    def refuse(*args: object, **options: object) -> None:
        raise Unavailable("Too many people are signing in at this moment.", retry_after=5)

    monkeypatch.setattr("accounts.admin.people.services.change_password", refuse)
    new = "tyre-wall-kerb-8"
    form = {"password1": new, "password2": new, "usable_password": "true"}
    answer = client.post(f"/admin/accounts/user/{mina.pk}/password/", form)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "Too many people are signing in" in answer.content.decode()
