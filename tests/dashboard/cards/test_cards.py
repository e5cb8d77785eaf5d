"""The live card of a metric: its state, and its changes on any socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from accounts.models import User, Workspace
from accounts.selectors import principal_of
from dashboard.cards import card_state
from dashboard.cards.card_state import SPARKLINE, Facts, LiveCard
from dashboard.consumers import DashboardConsumer
from dashboard.models import Series
from dashboard.samples import instants
from dashboard.services import storage
from notifications import cards
from realtime.auth import Principal
from realtime.consumers import RealtimeConsumer, on
from realtime.database import threads
from realtime.http.health import Health
from realtime.protocol import Command, Event
from realtime.server.lifespan import Lifespan
from realtime.sockets.upgrade import Upgrade
from tests.conftest import session_key_of
from tests.support.metrics import SECOND, make_metric, make_series, now_us, write
from tests.support.people import make_member, make_workspace
from tests.support.server import serving
from tests.support.sockets import SocketClient

KIND = cards.get("metric")
FACTS = Facts("rpm", "Rpm", "custom", "1/min", 0, False, "pit")


class Garage:
    """A workspace with a metric that has samples, and a member."""

    def __init__(self) -> None:
        self.workspace: Workspace = make_workspace("pit")
        self.user: User = make_member(self.workspace)
        self.rpm: Series = make_series(make_metric(self.workspace, "rpm", unit="1/min", decimals=0))
        self.gear: Series = make_series(make_metric(self.workspace, "gear"))
        self.start = now_us() - 200 * SECOND

    @property
    def principal(self) -> Principal:
        return principal_of(self.user)

    def run(self, *values: float, after: int = 0) -> None:
        write(self.rpm, [(self.start + (after + i) * SECOND, v) for i, v in enumerate(values)])


@pytest.fixture
def garage(transactional_db: None) -> Garage:
    return Garage()


class WatchCards(Command, tag="watch_cards"):
    kind: str
    references: list[str]


class Watched(Event, tag="ack"):
    pass


class ConversationConsumer(RealtimeConsumer):
    """Follows cards as a conversation does."""

    @on(WatchCards)
    async def watch(self, command: WatchCards) -> Watched:
        kind = cards.get(command.kind)
        followed = await self.call(kind.followed, self.principal, command.references)
        assert followed is not None
        await self.follow_latest(*followed)
        return Watched()


@pytest_asyncio.fixture
async def conversation(garage: Garage) -> AsyncIterator[Any]:
    routes = [
        path("ws/conversation/", ConversationConsumer.as_asgi()),
        path("ws/dashboard/", DashboardConsumer.as_asgi()),
    ]
    application = ProtocolTypeRouter(
        {"http": Health(None), "websocket": Upgrade(URLRouter(routes)), "lifespan": Lifespan()}
    )
    opened: list[SocketClient] = []
    async with serving(application) as address:

        async def connect(endpoint: str) -> SocketClient:
            key = await threads.call(session_key_of, garage.user)
            headers = {"Cookie": f"sessionid={key}", "Origin": f"http://{address}"}
            opened.append(await SocketClient.open(f"ws://{address}/ws/{endpoint}/", headers))
            return opened[-1]

        yield connect
        for client in opened:
            await client.close()


@pytest.mark.django_db(transaction=True)
def test_a_card_shows_the_newest_value_the_last_sixty_and_the_chart_then(garage: Garage) -> None:
    garage.run(*range(100))
    state = KIND.state(garage.principal, ["rpm"])["rpm"]
    assert state is not None
    at = instants.rfc3339(garage.start + 99 * SECOND)
    assert state == {
        "name": "rpm",
        "title": "Rpm",
        "group": "custom",
        "unit": "1/min",
        "decimals": 0,
        "simulated": False,
        "value": 99.0,
        "timestamp": at,
        "sparkline": [float(value) for value in range(40, 100)],
        "link": f"/dashboards/?metric=rpm&at={at}&workspace=pit",
    }


@pytest.mark.django_db(transaction=True)
def test_a_metric_without_samples_has_a_card_without_a_value(garage: Garage) -> None:
    state = KIND.state(garage.principal, ["gear"])["gear"]
    assert state is not None
    assert (state["value"], state["timestamp"], state["sparkline"]) == (None, None, [])
    assert state["link"] == "/dashboards/?metric=gear&workspace=pit"


@pytest.mark.django_db(transaction=True)
def test_what_is_not_there_or_of_another_workspace_has_no_card(garage: Garage) -> None:
    make_metric(make_workspace(), "secret")
    assert KIND.state(garage.principal, ["secret", "nothing"]) == {"secret": None, "nothing": None}
    assert KIND.follow(garage.principal, ["secret", "nothing"]) is None


async def test_each_new_value_changes_the_card_in_place(garage: Garage, conversation: Any) -> None:
    await threads.call(garage.run, 1, 2, 3)
    client = await conversation("conversation")
    await client.command("watch_cards", kind="metric", references=["rpm"])
    for after, value in enumerate((4.0, 5.0), 3):
        await threads.call(garage.run, value, after=after)
        update = await client.event("card_update")
        assert (update["kind"], update["reference"]) == ("metric", "rpm")
        assert update["state"]["value"] == value
        assert update["state"]["sparkline"] == [float(v) for v in range(1, after + 2)]
    fresh = await threads.call(lambda: KIND.state(garage.principal, ["rpm"]))
    assert update["state"] == fresh["rpm"], "the same as anew from the database"


@pytest.mark.parametrize("first", ["dashboard", "conversation"])
async def test_dashboard_and_cards_follow_the_same_stream_each_in_its_own_way(
    garage: Garage, conversation: Any, first: str
) -> None:
    clients = {}
    for endpoint in (first, *({"dashboard", "conversation"} - {first})):
        clients[endpoint] = await conversation(endpoint)
        if endpoint == "dashboard":
            await clients[endpoint].command("subscribe", metrics=["rpm"], history=0)
        else:
            await clients[endpoint].command("watch_cards", kind="metric", references=["rpm"])
    await threads.call(garage.run, 7)
    frame = await clients["dashboard"].event("realtime_metrics")
    assert frame["metrics"]["custom"] == {"rpm": 7.0}
    assert (await clients["conversation"].event("card_update"))["state"]["value"] == 7.0


async def test_several_cards_of_one_tick_are_a_frame_each(
    garage: Garage, conversation: Any
) -> None:
    one, both = await conversation("conversation"), await conversation("conversation")
    await one.command("watch_cards", kind="metric", references=["gear"])
    await both.command("watch_cards", kind="metric", references=["rpm", "gear", "unknown"])
    payload = {"rpm": 11_000.0, "gear": 6.0}
    rows = [(garage.rpm, payload["rpm"]), (garage.gear, payload["gear"])]

    def tick() -> None:
        readings = [storage.Reading(series.pk, now_us(), value) for series, value in rows]
        storage.write(workspace_id=garage.workspace.pk, readings=readings)

    await threads.call(tick)
    updates = [await both.event("card_update") for _ in payload]
    assert {each["reference"]: each["state"]["value"] for each in updates} == payload
    assert (await one.event("card_update"))["reference"] == "gear"
    await one.command("ping")
    assert "card_update" not in [frame["type"] for frame in one.frames]


def test_a_value_that_comes_twice_or_late_changes_nothing() -> None:
    card = LiveCard(FACTS, [("2026-01-01T00:00:02.000000Z", 2.0)])
    card.take("2026-01-01T00:00:02.000000Z", 9.0)
    card.take("2026-01-01T00:00:01.000000Z", 9.0)
    assert card.state()["sparkline"] == [2.0]


def test_what_came_by_the_stream_stays_when_the_database_is_read_again() -> None:
    card = LiveCard(FACTS, [])
    card.take("2026-01-01T00:00:03.000000Z", 3.0)
    older = [(f"2026-01-01T00:00:0{second}.000000Z", float(second)) for second in (1, 2)]
    card.refresh(FACTS, older)
    assert card.state()["sparkline"] == [1.0, 2.0, 3.0]


def test_a_sparkline_never_grows_beyond_its_length() -> None:
    card = LiveCard(FACTS, [])
    for number in range(SPARKLINE * 2):
        card.take(f"2026-01-01T00:{number:04d}", float(number))
    assert len(card.state()["sparkline"]) == SPARKLINE
    assert card.state()["value"] == SPARKLINE * 2 - 1.0
    assert card_state.state(FACTS, ())["value"] is None


@pytest.mark.django_db(transaction=True)
async def test_a_card_that_is_followed_shows_the_decimals_that_its_values_need_now(
    garage: Garage, conversation: Any, api: Any
) -> None:
    def push(value: float) -> None:
        body = {"samples": [{"metric": "eurusd", "value": value}]}
        assert api(garage.user).post("/api/v1/samples/", body, "json").status_code == 201

    await threads.call(push, 1)
    client = await conversation("conversation")
    await client.command("watch_cards", kind="metric", references=["eurusd"])
    await threads.call(push, 1.0855)
    states = [{"value": None}]
    while states[-1]["value"] != 1.0855:
        states.append((await client.event("card_update"))["state"])
    assert states[-1]["decimals"] == 4
