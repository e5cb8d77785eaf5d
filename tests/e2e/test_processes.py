"""Starting and stopping, as an operator does it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack, closing
from pathlib import Path

import psutil
import pytest
from pitwall_client import Api, Client, Token
from websockets.client import ClientProtocol
from websockets.protocol import State
from websockets.uri import parse_uri

from tools.lifetimes import tied

from . import servers
from .installations import open_together
from .loop import BackgroundLoop
from .servers import ROOT, Server

pytestmark = pytest.mark.e2e

STOPS_WITHIN = 5.0
STARTS_WITHIN = servers.READY_WITHIN


def serve(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected to refuse to start."""
    return subprocess.run(
        tied([sys.executable, "manage.py", "serve", *arguments]),
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=servers.READY_WITHIN,
        check=False,
    )


def deaf_client(server: Server, metric: str) -> socket.socket:
    """Connect, request far more than the buffers in between hold, and read nothing."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", server.port))
    protocol = ClientProtocol(parse_uri(f"{server.ws_url}/ws/dashboard/"))
    request = protocol.connect()
    request.headers["Authorization"] = f"Bearer {server.token()}"
    protocol.send_request(request)
    connection.sendall(b"".join(protocol.data_to_send()))
    while protocol.state is State.CONNECTING:
        protocol.receive_data(connection.recv(4096))
    command = {"action": "history", "metric": metric, "hours": 1, "points": 1000}
    for _ in range(100):
        protocol.send_text(json.dumps(command).encode())
    connection.sendall(b"".join(protocol.data_to_send()))
    return connection


async def push_an_hour(server: Server, metric: str) -> None:
    """Store a sample for every second of the last hour."""
    now = time.time()
    samples = [
        {"metric": metric, "value": second % 97, "timestamp": now - second}
        for second in range(3600)
    ]
    async with Api(server.url) as api:
        await api.obtain_token("admin", servers.ADMIN_PASSWORD)
        for start in range(0, len(samples), 500):
            await api.push_samples(samples[start : start + 500])


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_stops_in_time_though_clients_read_nothing(
    own_server: Server, loop: BackgroundLoop, signal_number: signal.Signals
) -> None:
    loop.run(push_an_hour(own_server, "lap_time"))
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(closing(deaf_client(own_server, "lap_time")))
        assert own_server.stop(signal_number) < STOPS_WITHIN


def test_clients_are_told_when_to_come_back_and_do(
    own_server: Server, loop: BackgroundLoop
) -> None:
    async def across_a_restart() -> None:
        address = f"{own_server.ws_url}/ws/dashboard/"
        async with Client(address, Token(own_server.token())) as client:
            await client.command("subscribe", metrics=["cpu_usage"])
            await client.event("realtime_metrics")
            own_server.stop()
            goodbye = await client.event("disconnect")
            assert goodbye["code"] == 1001
            client.drain()
            own_server.start()
            await client.event("realtime_metrics", within=30)

    loop.run(across_a_restart(), within=90)


def test_a_second_start_takes_seconds(tmp_path: Path) -> None:
    with servers.embedded(tmp_path):
        pass
    began = time.monotonic()
    with servers.embedded(tmp_path):
        took = time.monotonic() - began
    assert took < 5


def test_a_busy_port_is_one_line_that_says_what_to_do(server: Server) -> None:
    refused = serve(server.environment, "--port", str(server.port))
    assert refused.returncode != 0
    [line] = refused.stderr.strip().splitlines()
    assert str(server.port) in line
    assert "PORT=" in line


@pytest.mark.parametrize("missing", ["SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"])
def test_in_production_a_missing_setting_is_named(tmp_path: Path, missing: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PITWALL_DATA_DIR": str(tmp_path),
        "DATABASE_URL": "postgres://pitwall@127.0.0.1/pitwall",
        "REDIS_URL": "redis://127.0.0.1",
        "SECRET_KEY": "x" * 50,
        "ALLOWED_HOSTS": "pitwall.example",
        "CSRF_TRUSTED_ORIGINS": "https://pitwall.example",
    }
    del environment[missing]
    refused = serve(environment)
    assert refused.returncode != 0
    assert missing in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.services
def test_two_web_processes_share_one_port_and_one_stream(
    production_server: Server, loop: BackgroundLoop
) -> None:
    headers = {"Authorization": f"Bearer {production_server.token()}"}

    async def until_both_serve() -> None:
        served: set[int] = set()
        async with AsyncExitStack() as stack:
            while len(served) < 2:
                opened = await open_together(production_server, "/ws/dashboard/", headers)
                for client, pid in opened:
                    stack.push_async_callback(client.close)
                    await client.command("subscribe", metrics=["cpu_usage", "memory_usage"])
                    frame = await client.event("realtime_metrics", within=30)
                    assert set(frame["metrics"]["system"]) <= {"cpu_usage", "memory_usage"}
                    served.add(pid)

    loop.run(until_both_serve(), within=120)


@pytest.mark.services
def test_web_processes_end_with_the_parent_that_was_killed(tmp_path: Path) -> None:
    with servers.production(tmp_path) as server:
        assert server.web is not None
        children = children_of(server.web, 2)
        server.web.kill()
        server.web.wait()
        _, alive = psutil.wait_procs(children, timeout=10)
        assert alive == []


@pytest.mark.services
def test_web_processes_that_are_still_starting_end_with_their_parent_too(
    production_server: Server,
) -> None:
    """They load Django for seconds before they can watch their parent."""
    port = str(servers.free_port())
    parent = production_server._spawn("serve", "--port", port, "--processes", "2")
    children = children_of(parent, 2)
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs(children, timeout=STARTS_WITHIN)
    for child in alive:
        child.kill()
    assert alive == []


def children_of(parent: subprocess.Popen[bytes], count: int) -> list[psutil.Process]:
    """Wait until a process has `count` children, and return them."""
    deadline = time.monotonic() + STARTS_WITHIN
    while len(children := psutil.Process(parent.pid).children()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return children
