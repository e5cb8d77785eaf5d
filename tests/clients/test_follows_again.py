"""After a reconnect the client follows what its user asked for last, on the real server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from pitwall_client import Client, FirstFrame

from chat import services as chat
from dashboard.models import Metric
from dashboard.services import catalogue
from notifications import cards, kinds
from notifications import services as telling
from realtime.auth import Principal
from realtime.database import threads
from realtime.fanout import latest
from realtime.streams import publish
from realtime.streams.log import StreamKey
from tests.support.metrics import make_metric, make_series, now_us, write
from tests.support.rooms import Team

from .conftest import Opened, cut, token_of

pytestmark = pytest.mark.django_db(transaction=True)


async def said(client: Client, team: Team, *rooms: Any) -> list[str]:
    """Say something in each room; returns the rooms in which the client heard of it."""
    for room in rooms:
        await threads.call(team.say, team.bob, room, "listen")
    await client.command("ping")
    heard = []
    # The last one is followed, and its process flushes all rooms before it answers a ping.
    while not heard or heard[-1] != rooms[-1].slug:
        heard.append((await client.event("chat_message"))["room"])
    return heard


async def test_a_room_that_was_left_does_not_come_back(pitwall: Opened, team: Team) -> None:
    client = await pitwall(team.alice)
    owner = await threads.call(team.as_, team.alice)
    await threads.call(
        lambda: chat.change_role(principal=owner, room="general", user_id=team.bob.pk, role="owner")
    )
    await client.command("subscribe", rooms=["general", "ops"])
    await client.command("leave_room", room="general")
    await cut(client)
    assert await said(client, team, team.general, team.ops) == ["ops"]


async def test_a_room_that_was_left_elsewhere_does_not_come_back(
    pitwall: Opened, team: Team
) -> None:
    client = await pitwall(team.bob)
    await client.command("subscribe", rooms=["general", "ops"])
    bob = await threads.call(team.as_, team.bob)
    await threads.call(lambda: chat.leave_room(principal=bob, room="general"))
    await client.event("unsubscription_confirmed")
    await cut(client)
    await threads.call(team.say, team.alice, team.general, "who hears this?")
    await threads.call(team.say, team.alice, team.ops, "listen")
    assert (await client.event("chat_message"))["room"] == "ops"


async def test_a_room_of_the_address_that_was_left_does_not_come_back(
    pitwall: Opened, team: Team
) -> None:
    client = await pitwall(team.bob, "/ws/chat/?room=general")
    await client.command("subscribe", rooms=["ops"])
    await client.command("leave_room", room="general")
    await cut(client)
    await threads.call(team.say, team.alice, team.general, "who hears this?")
    await threads.call(team.say, team.alice, team.ops, "listen")
    assert (await client.event("chat_message"))["room"] == "ops"


async def test_unsubscribed_rooms_stay_so(pitwall: Opened, team: Team) -> None:
    client = await pitwall(team.alice)
    await client.command("subscribe")
    await client.command("unsubscribe", rooms=["general"])
    await cut(client)
    assert await said(client, team, team.general, team.ops) == ["ops"]


async def test_all_rooms_are_all_rooms_with_those_joined_meanwhile(
    pitwall: Opened, team: Team
) -> None:
    client = await pitwall(team.alice)
    await client.command("subscribe")
    joined = await threads.call(lambda: team.room("Joined", owner=team.bob, people=[team.alice]))
    await client.event("subscription_confirmed")
    away: list[Any] = []
    await cut(
        client,
        lambda: away.append(team.room("Away", owner=team.bob, people=[team.alice])),
    )
    await client.event("room_snapshot", room="away")
    rooms = [team.general, team.ops, joined, away[0]]
    assert sorted(await said(client, team, *rooms)) == sorted(room.slug for room in rooms)


async def test_named_rooms_do_not_become_all_rooms(pitwall: Opened, team: Team) -> None:
    client = await pitwall(team.alice)
    await client.command("subscribe", rooms=["ops"])
    await cut(client)
    assert await said(client, team, team.general, team.ops) == ["ops"]


async def test_rooms_of_the_first_frame_and_its_token_last(pitwall: Opened, team: Team) -> None:
    client = await pitwall(team.alice, credentials=None)
    token = await threads.call(token_of, team.alice)
    await client.command("authenticate", token=token, channels=["ops"])
    await client.event("room_snapshot")
    await cut(client)
    assert await said(client, team, team.general, team.ops) == ["ops"]


async def test_the_first_frame_authenticates_again(pitwall: Opened, team: Team) -> None:
    token = await threads.call(token_of, team.alice)
    client = await pitwall(team.alice, credentials=FirstFrame(token))
    await client.command("subscribe", rooms=["ops"])
    await cut(client)
    assert await said(client, team, team.ops) == ["ops"]


async def test_no_message_is_lost_over_many_broken_connections(pitwall: Opened, team: Team) -> None:
    client = await pitwall(team.alice, batch=True, compress=True)
    await client.command("subscribe")
    for number in range(5):
        await cut(client, lambda number=number: team.say(team.bob, team.ops, f"{number}"))
    heard = [(await client.event("chat_message"))["message"] for _ in range(5)]
    assert heard == ["0", "1", "2", "3", "4"]


@dataclass(frozen=True)
class Cars:
    names: frozenset[str]

    def frames(self, payload: dict[str, int]) -> list[bytes]:
        return [
            msgspec.json.encode(
                {"type": "card_update", "kind": "pit", "reference": car, "state": {"laps": laps}}
            )
            for car, laps in payload.items()
            if car in self.names
        ]


latest.register("pits", lambda older, newer: older | newer)


class Pits:
    """A kind of card that shows laps by car."""

    def __init__(self) -> None:
        self.laps = {"44": 3, "16": 5}
        self.key: StreamKey | None = None

    def state(self, principal: Principal, references: Sequence[str]) -> dict[str, Any]:
        return {car: {"laps": self.laps[car]} for car in references}

    def follow(self, principal: Principal, references: Sequence[str]) -> cards.Followed | None:
        self.key = StreamKey(principal.workspace_id, "pits")
        return self.key, Cars(frozenset(references))

    def lap(self, car: str) -> None:
        self.laps[car] += 1
        assert self.key is not None
        publish.publish_latest(self.key, {car: self.laps[car]})


@pytest.fixture
def pits() -> Iterator[Pits]:
    kind = Pits()
    cards.register(cards.CardKind("pit", kind.state, kind.follow, {}))
    yield kind
    cards.registry.unregister("pit")


async def test_the_cards_watched_last_are_watched_again_and_shown_as_they_are(
    pitwall: Opened, team: Team, pits: Pits
) -> None:
    client = await pitwall(team.alice)
    await client.command("watch_cards", cards=[{"kind": "pit", "reference": "16"}])
    await client.command("watch_cards", cards=[{"kind": "pit", "reference": "44"}])
    await cut(client, lambda: pits.lap("44"))
    assert (await client.event("card_update"))["state"] == {"laps": 4}
    await threads.call(pits.lap, "16")
    await threads.call(pits.lap, "44")
    update = await client.event("card_update")
    assert (update["reference"], update["state"]) == ("44", {"laps": 5})


async def test_the_inbox_is_followed_again(pitwall: Opened, team: Team) -> None:
    client = await pitwall(team.alice, "/ws/notifications/")
    await client.event("initial_data")

    def tell() -> None:
        telling.notify(
            workspace_id=team.workspace.pk,
            user_ids=[team.alice.pk],
            kind=kinds.MESSAGE,
            title="Look",
        )

    for number in range(3):
        await cut(client, tell)
        assert (await client.event("new_notification"))["offset"] == number + 1


async def metrics_of(client: Client) -> Any:
    """What this connection follows now."""
    confirmed = await client.command("subscribe", metrics=[])
    return confirmed["metrics"], [each["metric"] for each in confirmed["series"]]


@pytest.fixture
def metrics(team: Team) -> None:
    for name in ("rpm", "speed", "fuel"):
        make_series(make_metric(team.workspace, name))


COMMANDS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "everything": [("subscribe", {})],
    "everything, then one": [("subscribe", {}), ("subscribe", {"metrics": ["rpm"]})],
    "one": [("subscribe", {"metrics": ["rpm"]})],
    "one, then another": [
        ("subscribe", {"metrics": ["rpm"]}),
        ("subscribe", {"metrics": ["fuel"]}),
    ],
    "everything but one": [("subscribe", {}), ("unsubscribe", {"metrics": ["rpm"]})],
    "everything and nothing": [("subscribe", {}), ("unsubscribe", {})],
    "all but one, then nothing": [
        ("subscribe", {}),
        ("unsubscribe", {"metrics": ["rpm"]}),
        ("unsubscribe", {}),
    ],
    "nothing": [("subscribe", {"metrics": []})],
    "a series": [("subscribe", {"series": [{"metric": "rpm"}]})],
    "a series, and everything but its metric": [
        ("subscribe", {"metrics": ["*"], "series": [{"metric": "rpm"}]}),
        ("unsubscribe", {"metrics": ["rpm"]}),
    ],
    "metrics without the series": [
        ("subscribe", {"metrics": ["fuel"], "series": [{"metric": "rpm"}]}),
        ("unsubscribe", {"series": [{"metric": "rpm"}]}),
    ],
}


@pytest.mark.parametrize("name", COMMANDS)
async def test_the_same_metrics_and_series_are_followed_again(
    pitwall: Opened, team: Team, metrics: None, name: str
) -> None:
    client = await pitwall(team.alice, "/ws/dashboard/")
    for action, fields in COMMANDS[name]:
        await client.command(action, **fields)
    # At once: the client may not know yet what is left of everything.
    await cut(client)
    after = await metrics_of(client)
    same = await pitwall(team.alice, "/ws/dashboard/")
    for action, fields in COMMANDS[name]:
        await same.command(action, **fields)
    assert after == await metrics_of(same)
    for _ in range(2):
        await cut(client)
        assert await metrics_of(client) == after


async def test_metrics_made_after_one_was_taken_off_everything_are_not_followed_by_a_reconnect(
    pitwall: Opened, team: Team, metrics: None
) -> None:
    client = await pitwall(team.alice, "/ws/dashboard/")
    await client.command("subscribe")
    await client.command("unsubscribe", metrics=["rpm"])
    before = await metrics_of(client)
    await cut(
        client,
        lambda: catalogue.save_metric(metric=Metric(workspace=team.workspace, name="tyres")),
    )
    assert await metrics_of(client) == before == (["fuel", "speed"], [])


async def test_a_metric_that_is_gone_does_not_keep_the_others_away(
    pitwall: Opened, team: Team, metrics: None
) -> None:
    client = await pitwall(team.alice, "/ws/dashboard/")
    await client.command("subscribe", metrics=["rpm", "speed", "fuel"], series=[{"metric": "rpm"}])
    gone = Metric.objects.filter(workspace=team.workspace, name="rpm")
    await cut(client, lambda: catalogue.delete_metrics(metrics=gone))
    assert (await client.event("error"))["code"] == "not_found"
    assert await metrics_of(client) == (["fuel", "speed"], [])


async def test_values_and_series_come_again(pitwall: Opened, team: Team, metrics: None) -> None:
    client = await pitwall(team.alice, "/ws/dashboard/")
    series = await threads.call(lambda: Metric.objects.get(name="rpm").series.get())
    await client.command("subscribe", metrics=["rpm"], series=[{"metric": "rpm"}])
    await cut(client)
    await client.command("ping")
    client.drain()
    await threads.call(write, series, [(now_us(), 9_000)])
    assert (await client.event("realtime_metrics"))["metrics"]["custom"] == {"rpm": 9_000}
    assert (await client.event("series_metrics"))["data"][0]["value"] == 9_000


async def test_a_clock_goes_on_at_the_interval_asked_for_last(pitwall: Opened, team: Team) -> None:
    client = await pitwall(team.alice, "/ws/dashboard/")
    await client.command("request_data", request="time", interval=100)
    await client.command("request_data", request="time", interval=0.1)
    await cut(client)
    for _ in range(3):
        await client.event("time_update")


async def test_who_is_away_stays_so(pitwall: Opened, team: Team) -> None:
    client = await pitwall(team.alice)
    await client.command("subscribe", rooms=["ops"])
    await client.command("away", on=True)
    await cut(client)
    await client.command("ping")
    assert client.session.following.lasting() == [{"action": "away", "on": True}]
    answer = await client.command("request_data", request="connection")
    assert answer["data"]["frames_in"] >= 3, "subscribe and away were sent again"
