"""Plain HTTP under attack: nobody holds a connection, memory or a file for nothing."""

import asyncio
import contextlib
import time
from pathlib import Path

import httpx
import pytest

from realtime.database import threads
from tests.conftest import session_key_of
from tests.support import raw
from tests.support.people import make_member
from tests.support.raw import MEGABYTE

HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /api/v1/token/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.fixture
def limits(settings):
    settings.REALTIME_LIMITS = dict(settings.REALTIME_LIMITS)
    return settings.REALTIME_LIMITS


async def still_serves(address, **options):
    async with httpx.AsyncClient(base_url=f"http://{address}", **options) as client:
        assert (await client.get("/healthz")).status_code == 200


def status_of(received):
    return int(received.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (HEAD, b"X-Padding: " + b"x" * 1000 + b"\r\n"),
        (HEAD + b"X-Padding: ", b"x" * 1000),
        (b"GET /healthz?", b"x" * 1000),
        (b"", b"\r\n" * 500),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 1000),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: " + b"x" * 1000 + b"\r\n"),
    ],
    ids=["headers", "one header", "address", "blank lines", "chunk extension", "trailers"],
)
async def test_a_head_without_end_is_431_and_fills_no_memory(server, start, piece):
    with contextlib.closing(raw.connected(server)) as sock:
        sock.sendall(start)
        with raw.grows_by_at_most(12):
            began = time.monotonic()
            await raw.pour(sock, piece * 64, 40 * MEGABYTE, within=8)
        assert time.monotonic() - began < 8
        received = await raw.answer(sock)
    # The kernel may take the answer from a client that goes on sending after it was closed.
    assert not received or status_of(received) == 431
    await still_serves(server)


async def test_a_head_that_is_a_little_too_large_gets_its_431(server, limits):
    limits["max_header_bytes"] = 4096
    async with httpx.AsyncClient(base_url=f"http://{server}") as client:
        large = {"X-Padding": "x" * 6000}
        page = await client.get("/dashboards/", headers=large)
        assert page.status_code == 431
        assert page.headers["Content-Type"].startswith("text/html")
        program = await client.get("/api/v1/me/", headers=large)
        assert program.status_code == 431
        assert program.headers["Content-Type"] == "application/problem+json"
        assert program.json()["status"] == 431
        assert (await client.get("/healthz", headers={"X": "x" * 2000})).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"", None), (HEAD, 408), (POST + b"Content-Length: 1000\r\n\r\n{", 408)],
    ids=["nothing", "half a head", "half a body"],
)
async def test_a_request_that_does_not_arrive_is_given_up(server, limits, sent, status):
    limits["header_timeout"] = limits["stall_timeout"] = 1
    with contextlib.closing(raw.connected(server)) as sock:
        sock.sendall(sent)
        began = time.monotonic()
        received = await raw.answer(sock)
        assert time.monotonic() - began < 5
    assert (status_of(received) if received else None) == status


async def test_a_body_that_trickles_is_given_up_and_one_that_moves_is_not(server, limits):
    limits["stall_timeout"] = 2
    limits["min_bytes_per_second"] = 1000
    slow, steady = raw.connected(server), raw.connected(server)
    for sock in (slow, steady):
        sock.sendall(POST + b"Content-Length: 20000\r\n\r\n{")
    slow.setblocking(False)
    began = time.monotonic()
    with contextlib.suppress(ConnectionError):
        for _ in range(50):
            slow.send(b" ")
            steady.sendall(b" " * 400)
            await asyncio.sleep(0.1)
            with contextlib.suppress(BlockingIOError):
                if slow.recv(100):
                    break
    assert time.monotonic() - began < 4.9
    rest = 20000 - 1 - 400 * 50
    steady.sendall(b" " * max(0, rest))
    await asyncio.sleep(0)
    steady.close()
    slow.close()


async def test_a_peer_that_does_not_read_its_answers_gets_no_further_ones(server):
    """Requests that are sent without waiting for answers wait as bytes, outside our memory."""
    requests = b"GET /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 2000
    with contextlib.closing(raw.connected(server, deaf=True)) as sock:
        await raw.pour(sock, requests, MEGABYTE // 4, within=3)
        with raw.grows_by_at_most(20):
            sent = await raw.pour(sock, requests, 40 * MEGABYTE, within=6)
        assert sent < 20 * MEGABYTE
        await still_serves(server)


async def test_requests_that_come_together_are_answered_in_their_order(server):
    paths = [b"/healthz", b"/nowhere/", b"/readyz"] * 40
    asked = b"".join(
        b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-ID: n%d\r\n\r\n" % (path, number)
        for number, path in enumerate(paths)
    )
    last = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    with contextlib.closing(raw.connected(server)) as sock:
        await asyncio.to_thread(sock.sendall, asked + last)
        received = await raw.answer(sock)
    order = [
        int(line.split(b" n")[1])
        for line in received.split(b"\r\n")
        if line.startswith(b"x-request-id: n")
    ]
    assert order == list(range(len(paths)))


async def test_an_answer_that_nobody_reads_is_given_up(server, limits, settings):
    limits["stall_timeout"] = 1
    request = f"GET {largest_file(settings)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    with contextlib.closing(raw.connected(server, deaf=True)) as sock:
        sock.sendall(request * 60)
        began = time.monotonic()
        await asyncio.sleep(4)
        await raw.answer(sock, within=3)
        assert time.monotonic() - began < 8


def largest_file(settings):
    static = Path(settings.BASE_DIR, "static")
    return f"/static/{max(static.rglob('*'), key=size_of).relative_to(static)}"


def size_of(path):
    return path.stat().st_size if path.is_file() else 0


async def test_an_idle_connection_makes_room_for_a_new_one(server, limits):
    limits["max_http_connections_per_address"] = 5
    idle = [raw.connected(server) for _ in range(30)]
    await still_serves(server)
    for sock in idle:
        sock.close()


async def test_an_address_whose_requests_are_all_under_way_is_told_to_wait(server, limits):
    limits["max_http_connections_per_address"] = 3
    busy = [raw.connected(server) for _ in range(3)]
    for sock in busy:
        sock.sendall(POST + b"Content-Length: 1000\r\n\r\n{")
    await still_serves_from(server, "127.0.0.2")
    async with httpx.AsyncClient(base_url=f"http://{server}") as client:
        refused = await client.get("/healthz")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    for sock in busy:
        sock.close()


async def still_serves_from(address, source):
    transport = httpx.AsyncHTTPTransport(local_address=source)
    await still_serves(address, transport=transport)


async def test_a_full_process_answers_503(server, limits):
    limits["max_http_connections"] = 3
    busy = [raw.connected(server) for _ in range(3)]
    for sock in busy:
        sock.sendall(POST + b"Content-Length: 1000\r\n\r\n{")
    async with httpx.AsyncClient(base_url=f"http://{server}") as client:
        refused = await client.get("/healthz")
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    for sock in busy:
        sock.close()


async def test_a_socket_is_no_http_connection_any_more(server, connect, limits):
    limits["max_http_connections_per_address"] = 2
    user = await threads.call(make_member)
    sockets = [await connect(user=user) for _ in range(5)]
    await still_serves(server)
    for socket in sockets:
        assert (await socket.command("ping"))["type"] == "pong"


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in chunks"])
async def test_a_large_body_of_a_stranger_is_401_before_it_is_read(server, announced):
    body = b"x" * 200_000
    async with httpx.AsyncClient(base_url=f"http://{server}") as client:
        for path in ("/api/v1/attachments/", "/api/v1/samples/", "/api/v1/token/"):
            sent = body if announced else pieces(body)
            refused = await client.post(path, content=sent)
            assert refused.status_code == 401, path
            assert refused.json()["code"] == "unauthenticated"


async def pieces(body):
    for start in range(0, len(body), 10_000):
        yield body[start : start + 10_000]


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in chunks"])
async def test_beyond_2_5_mb_a_body_is_413_except_where_files_go(server, settings, announced):
    user = await threads.call(make_member)
    key = await threads.call(session_key_of, user)
    cookies = {settings.SESSION_COOKIE_NAME: key}
    body = b"[" + b" " * 2_700_000 + b"]"
    async with httpx.AsyncClient(base_url=f"http://{server}", cookies=cookies) as client:
        refused = await client.post(
            "/api/v1/samples/",
            content=body if announced else pieces(body),
            headers={"Content-Type": "application/json"},
        )
        assert refused.status_code == 413
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json()["status"] == 413
        page = await client.post("/accounts/profile/", content=body)
        assert page.status_code == 413
        assert page.headers["Content-Type"].startswith("text/html")
        taken = await client.post("/api/v1/attachments/", content=body)
        assert taken.status_code in (403, 415)


async def test_a_client_that_goes_away_is_no_error_of_ours(server, caplog):
    from realtime.process import gauges

    before = gauges.http_errors.value, gauges.http_requests.value
    with contextlib.closing(raw.connected(server)) as sock:
        sock.sendall(POST + b"Content-Length: 1000\r\n\r\n{")
        await asyncio.sleep(0.2)
    with contextlib.closing(raw.connected(server)) as sock:
        sock.sendall(b"GET /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    async with asyncio.timeout(5):
        while gauges.http_requests.value < before[1] + 2:
            await asyncio.sleep(0.02)
    assert gauges.http_errors.value == before[0]
    assert not [record for record in caplog.records if record.exc_info]
