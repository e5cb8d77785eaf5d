"""Browser clients written for the first protocol still work unchanged.

They know `subscribe`, `unsubscribe`, `ping`, `realtime_metrics`, `historical_data` and `pong`, and
nothing else: no ids, no heartbeat_ack, no recovery. LEGACY_SECONDS sets how long the client is
watched (ten minutes in `make legacy-client`).
"""

import os
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from .browser import wait_until
from .conftest import OpenPage
from .servers import Server

pytestmark = pytest.mark.e2e

SECONDS = float(os.environ.get("LEGACY_SECONDS", "15"))
PING_EVERY = min(20.0, SECONDS / 3)

CLIENT = """
([address, pingEvery]) => {
  const log = window.legacy = { metrics: [], history: [], pongs: 0, closed: null, other: {} }
  const socket = new WebSocket(address)
  window.legacySocket = socket
  socket.onopen = () => {
    socket.send(JSON.stringify({ action: 'subscribe', metrics: ['cpu_usage', 'memory_usage'] }))
    setInterval(() => socket.send(JSON.stringify({ action: 'ping' })), pingEvery * 1000)
  }
  socket.onclose = (event) => { log.closed = event.code }
  socket.onmessage = (event) => {
    const frame = JSON.parse(event.data)
    if (frame.type === 'realtime_metrics') log.metrics.push([Date.now(), frame])
    else if (frame.type === 'historical_data') log.history.push(frame)
    else if (frame.type === 'pong') log.pongs += 1
    else log.other[frame.type] = (log.other[frame.type] || 0) + 1
  }
}
"""


def test_a_client_that_knows_six_words_stays_connected_and_served(
    any_server: Server, open_page: OpenPage
) -> None:
    page = open_page(any_server)
    page.goto(f"{any_server.url}/accounts/profile/")
    page.evaluate(CLIENT, [f"{any_server.ws_url}/ws/dashboard/", PING_EVERY])
    # wait_for_function evaluates a string inside the page, which its policy forbids.
    wait_until(page, lambda: page.evaluate("window.legacy.metrics.length > 0"), what="a tick")
    page.wait_for_timeout(SECONDS * 1000)
    log: dict[str, Any] = page.evaluate("window.legacy")

    assert log["closed"] is None
    assert log["pongs"] >= 2
    assert "error" not in log["other"]
    check_history(log["history"])
    check_metrics(log["metrics"])

    page.evaluate(
        "legacySocket.send(JSON.stringify("
        "{action: 'unsubscribe', metrics: ['cpu_usage', 'memory_usage']}))"
    )
    page.wait_for_timeout(1_000)
    page.evaluate("window.legacy.metrics.length = 0")
    page.wait_for_timeout(3_000)
    assert page.evaluate("window.legacy.metrics.length") == 0
    assert page.evaluate("window.legacy.closed") is None


def check_history(frames: list[dict[str, Any]]) -> None:
    """Check for one frame, oldest points first, with only subscribed metrics."""
    [history] = frames
    times = [datetime.fromisoformat(point["timestamp"]) for point in history["data"]]
    assert times == sorted(times)
    assert {point["metric"] for point in history["data"]} <= {"cpu_usage", "memory_usage"}
    assert all(isinstance(point["value"], int | float) for point in history["data"])


def check_metrics(arrivals: list[tuple[float, dict[str, Any]]]) -> None:
    """Check for a tick about every second, with the three groups and only subscribed metrics."""
    assert len(arrivals) >= SECONDS * 0.8
    times = [at for at, _ in arrivals]
    longest = max(after - before for before, after in pairwise(times))
    assert longest < 4_000
    for _, frame in arrivals:
        assert set(frame["metrics"]) == {"system", "business", "custom"}
        assert set(frame["metrics"]["system"]) <= {"cpu_usage", "memory_usage"}
        assert frame["metrics"]["business"] == frame["metrics"]["custom"] == {}
        datetime.fromisoformat(frame["timestamp"])
