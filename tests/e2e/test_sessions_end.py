"""Logging out in one tab, on two web processes: which sockets are closed, and how soon."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.sockets import SocketClient

from .installations import Installation, behind_proxies, open_together
from .loop import BackgroundLoop
from .servers import ADMIN_PASSWORD, DEMO_PASSWORD, Server

pytestmark = [pytest.mark.e2e, pytest.mark.services]

REVOKED = 4500
WITHIN = 1.0
# The default is a minute. Shorter here, for the test of the check; longer than the other tests
# watch their sockets, so that the message ends these and not the check.
RECHECK_WITHIN = 20.0
NEW_PASSWORD = "tyre-wall-kerb-8"
FIELD = 'name="csrfmiddlewaretoken" value="'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    variables = {"PITWALL_RECHECK_WITHIN": str(RECHECK_WITHIN)}
    path = tmp_path_factory.mktemp("sessions")
    with behind_proxies(path, workers=(), variables=variables) as installation:
        yield installation


@pytest.fixture
def installation(running: Installation, loop: BackgroundLoop) -> Installation:
    """Return the module's installation, once its processes receive each other's messages."""
    loop.run(until_all_hear(running.server), within=120)
    return running


async def until_all_hear(server: Server) -> None:
    """Return when a message reaches sockets on both web processes.

    After an outage of Redis, a process receives nothing until it has reconnected.
    """
    person = server.new_person()
    headers = {"Authorization": f"Bearer {person.token}"}
    async with AsyncExitStack() as stack:
        by_process: dict[int, SocketClient] = {}
        while len(by_process) < 2:
            for client, pid in await open_together(server, "/ws/notifications/", headers):
                stack.push_async_callback(client.close)
                by_process[pid] = client
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=server.url, timeout=20))
        deaf = set(by_process)
        while deaf:
            path = f"/api/v1/users/{person.user_id}/push/"
            await http.post(path, json={"message": "Can you hear me?"}, headers=headers)
            for pid in list(deaf):
                with suppress(AssertionError):
                    await by_process[pid].event("user_message", within=1)
                    deaf.discard(pid)


class Browser:
    """A user's browser: pages and forms over HTTP, sockets with the same session's cookie."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.http = httpx.AsyncClient(base_url=server.url, timeout=20)
        self.sockets: list[SocketClient] = []

    async def submit(self, page: str, path: str, **form: str) -> httpx.Response:
        """Open `page`, and submit its form with the action `path`."""
        shown = await self.http.get(page)
        assert f'action="{path}"' in shown.text or page == path, shown.text[-2000:]
        token = re.search(rf"{FIELD}(\w+)", shown.text)
        assert token is not None
        answer = await self.http.post(path, data={"csrfmiddlewaretoken": token[1], **form})
        assert answer.status_code == 302, answer.text[-2000:]
        return answer

    async def sign_in(self, username: str, password: str = DEMO_PASSWORD) -> None:
        await self.submit(
            "/accounts/login/", "/accounts/login/", username=username, password=password
        )

    async def open_sockets_everywhere(self) -> None:
        """Open sockets until each of the two web processes has one of this session."""
        headers = {
            "Cookie": f"sessionid={self.http.cookies['sessionid']}",
            "Origin": self.server.url,
        }
        reached: set[int] = set()
        while len(reached) < 2:
            assert len(self.sockets) < 100, "all sockets came to one process"
            for client, pid in await open_together(self.server, "/ws/dashboard/", headers):
                self.sockets.append(client)
                assert (await client.event("connection_established"))["user"] is not None
                reached.add(pid)

    async def end(self) -> None:
        for client in self.sockets:
            await client.close()
        await self.http.aclose()


@asynccontextmanager
async def two_browsers(server: Server, username: str) -> AsyncIterator[tuple[Browser, Browser]]:
    """Yield two browsers of one user, each with sockets on both web processes."""
    both = Browser(server), Browser(server)
    try:
        for browser in both:
            await browser.sign_in(username)
        await asyncio.gather(*(browser.open_sockets_everywhere() for browser in both))
        yield both
    finally:
        for browser in both:
            await browser.end()


async def close_codes(began: float, within: float, *browsers: Browser) -> set[int | None]:
    """Return the close codes of all sockets by `began` + `within` (monotonic seconds)."""
    left = within - (time.monotonic() - began)
    sockets = [client for browser in browsers for client in browser.sockets]
    return set(await asyncio.gather(*(client.closed(left) for client in sockets)))


async def are_served(browser: Browser) -> bool:
    replies = await asyncio.gather(*(client.command("ping") for client in browser.sockets))
    return all(reply["type"] == "pong" for reply in replies)


def test_logout_ends_the_sockets_of_that_session_on_both_processes_and_no_other(
    installation: Installation, loop: BackgroundLoop
) -> None:
    person = installation.server.new_person()

    async def logged_out() -> None:
        async with two_browsers(installation.server, person.username) as (first, second):
            began = time.monotonic()
            await first.submit("/accounts/profile/", "/accounts/logout/")
            assert await close_codes(began, WITHIN, first) == {REVOKED}
            farewell = first.sockets[0].frames[-1]
            assert (farewell["type"], farewell["code"]) == ("disconnect", REVOKED)
            assert await are_served(second)
            await second.open_sockets_everywhere()

    loop.run(logged_out(), within=90)


def test_a_new_password_ends_the_sockets_of_all_sessions_on_both_processes(
    installation: Installation, loop: BackgroundLoop
) -> None:
    person = installation.server.new_person()

    async def changed() -> None:
        async with two_browsers(installation.server, person.username) as (first, second):
            path = "/accounts/password/change/"
            form = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
            began = time.monotonic()
            await first.submit(path, path, old_password=DEMO_PASSWORD, **form)
            assert await close_codes(began, WITHIN, first, second) == {REVOKED}

    loop.run(changed(), within=90)


def test_deactivation_ends_the_sockets_of_all_sessions_on_both_processes(
    installation: Installation, loop: BackgroundLoop
) -> None:
    """Through the action in the admin."""
    person = installation.server.new_person()

    async def deactivated() -> None:
        async with (
            two_browsers(installation.server, person.username) as browsers,
            AsyncExitStack() as stack,
        ):
            admin = Browser(installation.server)
            stack.push_async_callback(admin.end)
            await admin.sign_in("admin", ADMIN_PASSWORD)
            began = time.monotonic()
            await admin.submit(
                "/admin/accounts/user/",
                "/admin/accounts/user/",
                action="deactivate",
                _selected_action=str(person.user_id),
            )
            assert await close_codes(began, WITHIN, *browsers) == {REVOKED}
            refused = await browsers[0].http.get("/accounts/profile/")
            assert urlsplit(refused.headers["Location"]).path == "/accounts/login/"

    loop.run(deactivated(), within=90)


def test_with_redis_away_the_sockets_end_at_the_next_check(
    installation: Installation, loop: BackgroundLoop
) -> None:
    """Within a minute by default; here within RECHECK_WITHIN."""
    person = installation.server.new_person()

    async def logged_out() -> None:
        async with two_browsers(installation.server, person.username) as (first, second):
            with installation.redis_away():
                began = time.monotonic()
                await first.submit("/accounts/profile/", "/accounts/logout/")
                codes = await close_codes(began, RECHECK_WITHIN + 2, first)
            assert codes == {REVOKED}
            assert await are_served(second)

    loop.run(logged_out(), within=120)
