"""Over the socket, an outsider cannot read, write, follow, resume or detect a private room.

Each command is tried on a private room, on another workspace's room and on one that does not exist;
the answers are the same, except for the requested name.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat import services
from chat.models import Room
from realtime.database import threads
from realtime.models import Stream
from tests.support.people import make_member, make_workspace
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db(transaction=True)

POSITION = {"epoch": "0" * 32, "offset": 0}


class Rivals:
    """A team with a private room, and one in another workspace; carol is in neither room."""

    def __init__(self) -> None:
        self.ours = Team()
        self.hidden = self.ours.say(self.ours.alice, self.ours.ops, "@bob the secret").message_id
        self.outsider = self.ours.carol


@pytest.fixture
def rivals(transactional_db: None) -> Rivals:
    return Rivals()


DOORS: list[tuple[str, dict[str, Any]]] = [
    ("subscribe", {"rooms": ["ROOM"]}),
    ("subscribe", {"rooms": ["ROOM"], "join": False}),
    ("send_message", {"room": "ROOM", "text": "let me in"}),
    ("broadcast", {"channel": "ROOM", "message": "let me in"}),
    ("history", {"room": "ROOM"}),
    ("history", {"room": "ROOM", "around": 1}),
    ("mark_read", {"room": "ROOM", "sequence": 1}),
    ("typing", {"room": "ROOM"}),
    ("members", {"room": "ROOM"}),
    ("join_room", {"room": "ROOM"}),
    ("leave_room", {"room": "ROOM"}),
    ("edit_message", {"message_id": "MESSAGE", "text": "mine"}),
    ("delete_message", {"message_id": "MESSAGE"}),
    ("react", {"message_id": "MESSAGE", "emoji": "👍"}),
    ("pin", {"message_id": "MESSAGE"}),
    ("send_message", {"room": "general", "text": "quoting", "reply_to": "MESSAGE"}),
]


def filled(fields: dict[str, Any], room: str, message_id: int) -> dict[str, Any]:
    return {
        name: json.loads(
            json.dumps(value).replace('"MESSAGE"', str(message_id)).replace("ROOM", room)
        )
        for name, value in fields.items()
    }


@pytest.mark.parametrize(("action", "fields"), DOORS)
async def test_a_private_room_is_as_one_that_is_not_there(
    connect: Any, rivals: Rivals, action: str, fields: dict[str, Any]
) -> None:
    client = await connect("/ws/chat/", user=rivals.outsider)
    await client.event("connection_established")
    answers = []
    for room, message_id in (("ops", rivals.hidden), ("nil", 2**53)):
        answer = await client.command(action, **filled(fields, room, message_id))
        assert answer["type"] == "error", answer
        assert answer["code"] == "not_found"
        answers.append(json.dumps({**answer, "id": 0}).replace(room, "ROOM"))
    assert answers[0] == answers[1]
    await client.send({"action": "ping"})
    await client.event("pong")
    assert not [frame for frame in client.frames if "secret" in json.dumps(frame)]


async def test_resuming_a_private_room_is_as_resuming_none(connect: Any, rivals: Rivals) -> None:
    client = await connect("/ws/chat/", user=rivals.outsider)
    answers = []
    for room in ("ops", "nil"):
        confirmed = await client.command("subscribe", recover={f"room:{room}": POSITION})
        assert (confirmed["rooms"], confirmed["positions"]) == ({}, {})
        answers.append(await client.event("unsubscription_confirmed"))
    assert [answer["rooms"] for answer in answers] == [["ops"], ["nil"]]
    assert [answer["reason"] for answer in answers] == ["not_found"] * 2


async def test_nothing_private_is_in_what_an_outsider_is_told(connect: Any, rivals: Rivals) -> None:
    client = await connect("/ws/chat/", user=rivals.outsider, room="ops")
    assert (await client.event("error"))["code"] == "not_found"
    await client.send_text("let me in")
    assert (await client.event("error"))["code"] == "not_found"
    listed = await client.command("request_data", request="rooms")
    assert [room["slug"] for room in listed["data"]] == ["general"]
    await client.command("subscribe")
    await threads.call(rivals.ours.say, rivals.ours.alice, rivals.ours.ops, "another secret")
    await threads.call(
        services.set_reaction,
        principal=await threads.call(rivals.ours.as_, rivals.ours.bob),
        message_id=rivals.hidden,
        emoji="👍",
        on=True,
    )
    await client.send({"action": "ping"})
    await client.event("pong")
    assert not [frame for frame in client.frames if "secret" in json.dumps(frame)]


async def test_asking_for_rooms_that_are_not_there_leaves_nothing_behind(
    connect: Any, rivals: Rivals
) -> None:
    client = await connect("/ws/chat/", user=rivals.outsider)
    await client.command("subscribe", rooms=["nil"])
    await client.command("subscribe", recover={"room:nil": POSITION})
    assert not await threads.call(Stream.objects.filter(name="room:nil").exists)


async def test_rooms_of_another_workspace_are_not_there(connect: Any, rivals: Rivals) -> None:
    def stranger() -> Any:
        workspace = make_workspace("elsewhere")
        Room.objects.create(workspace=workspace, slug="theirs", name="Theirs")
        return make_member(workspace)

    client = await connect("/ws/chat/", user=await threads.call(stranger))
    listed = await client.command("request_data", request="rooms")
    assert [room["slug"] for room in listed["data"]] == ["theirs"]
    for room in ("general", "ops"):
        assert (await client.command("history", room=room))["code"] == "not_found"
    answer = await client.command("edit_message", message_id=rivals.hidden, text="x")
    assert answer["code"] == "not_found"
