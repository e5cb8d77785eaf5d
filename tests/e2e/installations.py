"""A whole installation whose PostgreSQL and Redis a test can cut off and restore."""

import asyncio
import contextlib
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from pitwall_client import Client, Token

from tests.support.proxy import CuttableProxy, cuttable
from tests.support.sockets import SocketClient

from . import servers
from .servers import Server

BACK_WITHIN = 15.0


class Installation:
    """Two web processes and workers that reach PostgreSQL and Redis through proxies."""

    def __init__(self, server: Server, database: CuttableProxy, redis: CuttableProxy) -> None:
        self.server = server
        self.database = database
        self.redis = redis

    def readiness(self) -> tuple[int, dict[str, object]]:
        try:
            with urllib.request.urlopen(f"{self.server.url}/readyz", timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + BACK_WITHIN
        while self.readiness()[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)

    @contextlib.contextmanager
    def redis_away(self) -> Iterator[None]:
        """Cut off Redis during the block; restores it for the next test in any case."""
        with _away(self.redis):
            yield

    @contextlib.contextmanager
    def database_away(self) -> Iterator[None]:
        """Cut off the database during the block."""
        with _away(self.database):
            yield

    def client(self) -> Client:
        return Client(f"{self.server.ws_url}/ws/dashboard/", Token(self.server.token()))


@contextlib.contextmanager
def behind_proxies(path: Path, **options: Any) -> Iterator[Installation]:
    """Run an installation with its data in `path`; options are those of servers.production."""
    with ExitStack() as stack:
        proxies = []
        for name, port in (("DATABASE_URL", 5432), ("REDIS_URL", 6379)):
            url = urlsplit(os.environ[name])
            proxy = stack.enter_context(cuttable(url.hostname or "127.0.0.1", url.port or port))
            user = f"{url.netloc.rpartition('@')[0]}@" if "@" in url.netloc else ""
            proxied = url._replace(netloc=f"{user}127.0.0.1:{proxy.port}").geturl()
            stack.enter_context(pytest.MonkeyPatch.context()).setenv(name, proxied)
            proxies.append(proxy)
        server = stack.enter_context(servers.production(path, **options))
        yield Installation(server, *proxies)


@contextlib.contextmanager
def _away(service: CuttableProxy) -> Iterator[None]:
    service.cut()
    try:
        yield
    finally:
        service.restore()


def web_process_of(server: Server, port: int) -> int:
    """Return the pid of the web process that serves a client's local port."""
    assert server.web is not None
    for child in psutil.Process(server.web.pid).children():
        for connection in child.net_connections("tcp"):
            if connection.raddr and connection.raddr.port == port:
                return child.pid
    raise AssertionError(f"no web process has a connection from port {port}")


async def open_together(
    server: Server, path: str, headers: dict[str, str], count: int = 8
) -> list[tuple[SocketClient, int]]:
    """Open sockets at once; returns each with the pid of its web process.

    Opened one after another, they might all reach the process that happens to wake up first.
    """
    url = f"{server.ws_url}{path}"
    clients = await asyncio.gather(*(SocketClient.open(url, headers) for _ in range(count)))
    return [
        (
            client,
            await asyncio.to_thread(web_process_of, server, client.connection.local_address[1]),
        )
        for client in clients
    ]
