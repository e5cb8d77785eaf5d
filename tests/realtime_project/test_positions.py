"""What an endpoint confirms as positions can be sent back, as it is, to resume from."""

from __future__ import annotations

from typing import Any

import pytest

from realtime.database import threads
from realtime_project.routing import websocket_urlpatterns
from tests.conftest import Connect
from tests.support.rooms import Team

ENDPOINTS = [f"/{str(route.pattern).strip('^?$')}" for route in websocket_urlpatterns]


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_confirmed_positions_are_taken_back(connect: Connect, path: str) -> None:
    team = await threads.call(Team)
    socket = await connect(path, user=team.alice)
    confirmed = await socket.command("subscribe")
    assert confirmed["type"] == "subscription_confirmed"
    again = await connect(path, user=team.alice)
    resumed = await again.command("subscribe", recover=confirmed["positions"])
    assert resumed["type"] == "subscription_confirmed", resumed
    assert resumed["positions"] == {
        name: place | {"recovered": True} for name, place in confirmed["positions"].items()
    }


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_there_may_be_no_position(connect: Connect, path: str) -> None:
    team = await threads.call(Team)
    socket = await connect(path, user=team.alice)
    for nothing in (None, {}):
        answer = await socket.command("subscribe", recover=nothing)
        assert answer["type"] == "subscription_confirmed", answer


async def test_what_was_missed_comes_after_positions_were_sent_back(connect: Connect) -> None:
    team = await threads.call(Team)
    chat = await connect("/ws/chat/", user=team.alice)
    bell = await connect("/ws/notifications/", user=team.alice)
    rooms = (await chat.command("subscribe"))["positions"]
    inbox = (await bell.command("subscribe"))["positions"]
    await chat.close()
    await bell.close()
    await threads.call(team.say, team.bob, team.ops, "@alice box this lap")
    chat = await connect("/ws/chat/", user=team.alice)
    bell = await connect("/ws/notifications/", user=team.alice)
    await chat.command("subscribe", recover=rooms)
    await bell.command("subscribe", recover=inbox)
    message, told = await chat.event("chat_message"), await bell.event("new_notification")
    assert message["message"] == "@alice box this lap"
    assert message["offset"] == rooms["room:ops"]["offset"] + 1
    assert told["offset"] == inbox["notifications"]["offset"] + 1


@pytest.mark.parametrize(
    ("odd", "field"),
    [
        ({"epoch": "e", "offset": 1, "recoverd": True}, "recover[room:ops].recoverd"),
        ({"epoch": "e", "offset": 1, "recovered": "yes"}, "recover[room:ops].recovered"),
        ({"offset": 1}, "recover[room:ops].epoch"),
    ],
)
async def test_another_shape_is_refused_by_name(
    connect: Connect, odd: dict[str, Any], field: str
) -> None:
    team = await threads.call(Team)
    socket = await connect("/ws/chat/", user=team.alice)
    answer = await socket.command("subscribe", recover={"room:ops": odd})
    assert (answer["code"], list(answer["errors"])) == ("invalid_command", [field])
