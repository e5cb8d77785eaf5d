"""Many sign-ins at once: the real hash, over the real server, with bounded memory."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import httpx
import psutil
import pytest

from realtime.database import threads
from tests.support.people import PASSWORD, make_user

AT_ONCE = 64
MEGABYTE = 2**20


class Peak:
    """The most memory that this process has had, above what it had at the beginning; in bytes."""

    def __enter__(self) -> Peak:
        self._process = psutil.Process()
        self._before = self._process.memory_info().rss
        self.above = 0
        self._over = threading.Event()
        self._watching = threading.Thread(target=self._watch)
        self._watching.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._watching.join()

    def _watch(self) -> None:
        while not self._over.wait(0.002):
            self.above = max(self.above, self._process.memory_info().rss - self._before)


@pytest.fixture
def argon2(settings) -> None:
    settings.PASSWORD_HASHERS = ["accounts.hashing.Argon2"]


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
async def test_a_crowd_that_signs_in_takes_little_memory_and_holds_up_nobody_else(
    argon2: None, server: str, password: str
) -> None:
    names = [f"user{number}" for number in range(AT_ONCE)]
    for name in names[:4]:
        await threads.call(make_user, name)
    limits = httpx.Limits(max_connections=AT_ONCE + 8)
    async with httpx.AsyncClient(base_url=f"http://{server}", timeout=60, limits=limits) as http:
        await http.get("/accounts/login/")

        async def sign_in(number: int) -> int:
            body = {"username": names[number % 4], "password": password}
            if password != PASSWORD:
                body["username"] = names[number]
            return (await http.post("/api/v1/token/", json=body)).status_code

        answered = 0
        with Peak() as peak:
            crowd = asyncio.gather(*(sign_in(number) for number in range(AT_ONCE)))
            while not crowd.done():
                assert (await http.get("/accounts/login/")).status_code == 200
                answered += 1
            codes = Counter(await crowd)
    assert peak.above < 150 * MEGABYTE
    assert answered > 1
    assert set(codes) <= {200, 401, 429, 503}
    if password == PASSWORD:
        assert codes[200] > 0
