"""Selections of latest values render themselves; their stream defines how values are merged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from realtime.database import threads
from realtime.fanout.latest import LatestFeed
from realtime.fanout.stream_names import ByStreamName
from realtime.streams import publish
from realtime.streams.log import StreamKey
from tests.realtime.endpoints import VALUES, ProbeConsumer


@dataclass(frozen=True)
class Total:
    """Another selection of the probe's values: their sum and their count."""

    def frames(self, payload: dict[str, Any]) -> list[bytes]:
        return [
            msgspec.json.encode({"type": "total", "value": sum(payload.values())}),
            msgspec.json.encode({"type": "count", "value": len(payload)}),
        ]


@pytest.fixture
def totals(monkeypatch):
    """Give clients that subscribe to nothing the totals."""

    async def follow(consumer: ProbeConsumer) -> None:
        key = StreamKey(1, VALUES)
        if (LatestFeed.kind, key) not in consumer.connection.subscriptions:
            await consumer.follow_latest(key, Total())

    monkeypatch.setattr(ProbeConsumer, "before_reply", follow)


@pytest.mark.parametrize("first", ["names", "totals"])
async def test_each_follower_of_a_stream_gets_what_its_own_selection_makes_of_it(
    probe, totals, first
):
    clients = {}
    for name in (first, *({"names", "totals"} - {first})):
        clients[name] = await probe("alice@1")
        names = ["cpu"] if name == "names" else []
        await clients[name].command("subscribe", names=names)
    await threads.call(publish.publish_latest, StreamKey(1, VALUES), {"cpu": 1, "memory": 2})
    assert (await clients["names"].event("tick"))["values"] == {"cpu": 1}
    assert (await clients["totals"].event("total"))["value"] == 3
    assert (await clients["totals"].event("count"))["value"] == 2


def test_what_is_registered_for_a_stream_is_found_by_its_name_or_by_how_that_begins():
    registered: ByStreamName[int] = ByStreamName("numbers")
    registered.add("price", 1)
    registered.add("price:", 2)
    assert registered.find("price") == 1
    assert registered.find("price:ACME") == 2
    for unknown in ("prices", "p", "other:price"):
        with pytest.raises(LookupError, match=unknown):
            registered.find(unknown)


async def test_a_stream_that_nobody_has_registered_is_an_error_of_the_server(probe, monkeypatch):
    async def follow(consumer: ProbeConsumer) -> None:
        await consumer.follow_latest(StreamKey(1, "forgotten"), Total())

    monkeypatch.setattr(ProbeConsumer, "before_reply", follow)
    client = await probe("alice@1")
    assert (await client.command("subscribe"))["code"] == "internal"
    assert (await client.command("ping"))["type"] == "pong"
