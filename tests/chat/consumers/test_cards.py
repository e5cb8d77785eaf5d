"""Cards in a conversation, of a kind that another app registers and that chat does not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from notifications import cards
from realtime.auth import Principal
from realtime.database import threads
from realtime.errors import Conflict
from realtime.fanout import latest
from realtime.streams import publish
from realtime.streams.log import StreamKey
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Cars:
    """Cars whose laps are watched."""

    names: frozenset[str]

    def frames(self, payload: dict[str, int]) -> list[bytes]:
        return [
            msgspec.json.encode(
                {"type": "card_update", "kind": "lap", "reference": car, "state": {"laps": laps}}
            )
            for car, laps in payload.items()
            if car in self.names
        ]


latest.register("laps", lambda older, newer: older | newer)


class Laps:
    """A kind of card that counts laps per car. A retired car takes no more laps."""

    name = "lap"

    def __init__(self) -> None:
        self.laps = {"44": 3, "16": 5}
        self.key: StreamKey | None = None

    def state(self, principal: Principal, references: Sequence[str]) -> dict[str, Any]:
        return {car: {"laps": self.laps[car]} if car in self.laps else None for car in references}

    def follow(self, principal: Principal, references: Sequence[str]) -> cards.Followed | None:
        self.key = StreamKey(principal.workspace_id, "laps")
        known = frozenset(car for car in references if car in self.laps)
        return (self.key, Cars(known)) if known else None

    def count(self, *, principal: Principal, reference: str, arguments: Any) -> None:
        if arguments.get("retired"):
            raise Conflict("This car has retired.")
        self.laps[reference] += 1
        assert self.key is not None
        publish.publish_latest(self.key, {reference: self.laps[reference]})


@pytest.fixture
def laps() -> Iterator[Laps]:
    kind = Laps()
    cards.register(cards.CardKind("lap", kind.state, kind.follow, {"count": kind.count}))
    yield kind
    cards.registry.unregister("lap")


@pytest.fixture
def team(transactional_db: None) -> Team:
    return Team()


@pytest.fixture
def socket(connect: Any, laps: Laps) -> Any:
    async def opened(user: Any) -> Any:
        client = await connect("/ws/chat/", user=user)
        await client.command("subscribe", rooms=["general"])
        return client

    return opened


def card(reference: str) -> dict[str, str]:
    return {"kind": "lap", "reference": reference}


async def test_a_card_keeps_the_state_that_it_was_posted_with(
    socket: Any, team: Team, laps: Laps
) -> None:
    alice, bob = await socket(team.alice), await socket(team.bob)
    await alice.command("send_message", room="general", text="Look", card=card("44"))
    laps.laps["44"] = 9
    said = await bob.event("chat_message")
    assert (said["card"]["kind"], said["card"]["reference"]) == ("lap", "44")
    assert said["card"]["state"] == {"laps": 3}
    history = await bob.command("history", room="general", limit=1)
    assert history["data"][0]["card"]["state"] == {"laps": 3}


async def test_whoever_watches_a_card_sees_it_change_and_others_do_not(
    socket: Any, team: Team
) -> None:
    watching, other = await socket(team.alice), await socket(team.bob)
    ack = await watching.command("watch_cards", cards=[card("44"), card("99")])
    assert [each["state"] for each in ack["cards"]] == [{"laps": 3}, None]
    done = await other.command("card_action", **card("44"), name="count")
    assert (done["type"], done["reference"], done["name"]) == ("ack", "44", "count")
    update = await watching.event("card_update")
    assert (update["reference"], update["state"]) == ("44", {"laps": 4})
    await other.command("ping")
    assert "card_update" not in [frame["type"] for frame in other.frames]


async def test_cards_that_are_out_of_sight_are_followed_no_longer(
    socket: Any, team: Team, laps: Laps
) -> None:
    client, other = await socket(team.alice), await socket(team.bob)
    await other.command("watch_cards", cards=[card("16")])
    await client.command("watch_cards", cards=[card("44")])
    await client.command("watch_cards", cards=[card("16")])
    assert laps.key is not None
    await threads.call(publish.publish_latest, laps.key, {"44": 4, "16": 6})
    assert (await client.event("card_update"))["reference"] == "16"
    await client.command("watch_cards", cards=[])
    await threads.call(publish.publish_latest, laps.key, {"16": 7})
    while (await other.event("card_update"))["state"] != {"laps": 7}:
        pass
    await client.command("ping")
    assert "card_update" not in [frame["type"] for frame in client.frames]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"action": "watch_cards", "cards": [{"kind": "no_such", "reference": "1"}]}, "not_found"),
        ({"action": "card_action", **card("44"), "name": "no_such"}, "not_found"),
        ({"action": "card_action", "kind": "no_such", "reference": "1", "name": "x"}, "not_found"),
        (
            {"action": "card_action", **card("44"), "name": "count", "arguments": {"retired": 1}},
            "conflict",
        ),
        (
            {
                "action": "send_message",
                "room": "general",
                "text": "x",
                "card": {"kind": "lap", "reference": "99"},
            },
            "not_found",
        ),
    ],
)
async def test_what_cannot_be_done_with_a_card_is_refused_and_the_socket_lives(
    socket: Any, team: Team, command: dict[str, Any], code: str
) -> None:
    client = await socket(team.alice)
    refused = await client.command(**command)
    assert (refused["type"], refused["code"]) == ("error", code)
    assert (await client.command("ping"))["type"] == "pong"
