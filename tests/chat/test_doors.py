"""Every chat endpoint and command, tried by a user who is not in a private room.

Whatever they try, the answer is the same as for a room, message or file that does not exist,
nothing changes, and nothing of the room ever reaches them. A new command or path that is not tried
here fails the last two tests.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.login import jwt
from accounts.models import User
from chat import services
from chat.api import urls as api_urls
from chat.consumers.chat import ChatConsumer
from chat.files import uploads
from chat.models import Attachment, Membership, Message, Pin, Reaction
from realtime.consumers import RealtimeConsumer
from realtime.database import threads
from realtime.models import LoggedEvent, Stream
from tests.support.documented import DocumentedClient
from tests.support.people import make_member
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db(transaction=True)

# Of equal length, so that answers differ only in the requested names.
HIDDEN, NONE = "ops", "nil"
MISSING = 987_654


@dataclass
class Secret:
    """A private room with everything that a room can have, and the ids of its contents."""

    team: Team
    message: int
    file: int
    position: dict[str, Any]

    @classmethod
    def make(cls) -> Secret:
        team = Team()
        alice = team.as_(team.alice)
        incoming = uploads.Incoming()
        incoming.write(b"plan")
        file = services.store_upload(principal=alice, room="ops", name="plan", incoming=incoming)
        sent = team.say(team.alice, team.ops, "the secret @bob", attachments=[file.pk])
        services.edit_message(
            principal=alice, message_id=sent.message_id, text="the secret plan @bob"
        )
        services.set_reaction(principal=alice, message_id=sent.message_id, emoji="🎉", on=True)
        services.set_pin(principal=alice, message_id=sent.message_id, on=True)
        stream = Stream.objects.get(name="room:ops")
        return cls(team, sent.message_id, file.pk, {"epoch": stream.epoch, "offset": 1})

    def state(self) -> Any:
        """Return everything that a request could have changed."""
        return (
            LoggedEvent.objects.filter(stream__name="room:ops").count(),
            list(Membership.objects.order_by("pk").values_list("room", "user", "read_sequence")),
            list(Message.objects.order_by("pk").values_list("pk", "text", "deleted_at")),
            Reaction.objects.count(),
            Pin.objects.count(),
            Attachment.objects.count(),
        )


# --- REST -------------------------------------------------------------------------------------

# Method, path and body; {room}, {message}, {file}, {user} are placeholders.
REST: list[tuple[str, str, Any]] = [
    ("GET", "rooms/{room}/", None),
    ("PATCH", "rooms/{room}/", {"topic": "x"}),
    ("PATCH", "rooms/{room}/", {"archived": True}),
    ("PATCH", "rooms/{room}/", {"notify": "all"}),
    ("DELETE", "rooms/{room}/", None),
    ("GET", "rooms/{room}/members/", None),
    ("POST", "rooms/{room}/members/", {}),
    ("POST", "rooms/{room}/members/", {"user_id": 1}),
    ("PATCH", "rooms/{room}/members/", {"user_id": 1, "role": "owner"}),
    ("DELETE", "rooms/{room}/members/", {"user_id": 1}),
    ("PATCH", "rooms/{room}/members/{user}/", {"role": "owner"}),
    ("PATCH", "rooms/{room}/members/{user}/", {"muted_until": None}),
    ("PATCH", "rooms/{room}/members/{user}/", {}),
    ("DELETE", "rooms/{room}/members/{user}/", None),
    ("GET", "rooms/{room}/restrictions/", None),
    ("DELETE", "rooms/{room}/restrictions/{user}/", None),
    ("GET", "rooms/{room}/messages/", None),
    ("GET", "rooms/{room}/messages/?before=5", None),
    ("GET", "rooms/{room}/messages/?after=0", None),
    ("POST", "rooms/{room}/messages/", {"text": "let me in"}),
    ("POST", "rooms/{room}/messages/", {"text": "@all", "client_message_id": "a"}),
    ("GET", "rooms/{room}/pins/", None),
    ("POST", "rooms/{room}/read/", {"sequence": 1}),
    ("GET", "messages/{message}/", None),
    ("PATCH", "messages/{message}/", {"text": "mine"}),
    ("DELETE", "messages/{message}/", None),
    ("GET", "messages/{message}/reactions/", None),
    ("POST", "messages/{message}/reactions/", {"emoji": "🎉"}),
    ("DELETE", "messages/{message}/reactions/", {"emoji": "🎉"}),
    ("GET", "messages/{message}/revisions/", None),
    ("POST", "messages/{message}/pin/", None),
    ("DELETE", "messages/{message}/pin/", None),
    ("GET", "search/messages/?q=secret", None),
    ("GET", "search/messages/?q=in:{room}", None),
    ("GET", "search/messages/?q=secret%20in:{room}%20from:alice%20has:file%20is:pinned", None),
    ("GET", "attachments/?room={room}", None),
    ("POST", "attachments/", "form"),
    ("GET", "attachments/{file}/", None),
    ("GET", "attachments/{file}/?download=1", None),
    # Through a room that the user is in.
    ("POST", "rooms/general/messages/", {"text": "x", "reply_to": "{message}"}),
    ("POST", "rooms/general/messages/", {"text": "x", "attachments": ["{file}"]}),
]
# Lists of the user's own rooms: nothing of the private room is in them (tested separately).
LISTS = {("GET", "rooms/"), ("POST", "rooms/")}
# These name nothing that exists.
NOTHING = {("POST", "messages/preview/")}


def filled(template: Any, **names: Any) -> Any:
    """Return `template` with its {placeholders} filled in, numbers as numbers."""
    text = json.dumps(template)
    for name, value in names.items():
        text = text.replace(f'"{{{name}}}"', str(value)).replace(f"{{{name}}}", str(value))
    return json.loads(text)


def ask(client: DocumentedClient, method: str, path: str, body: Any, **names: Any) -> Any:
    """Return an answer's status, content type and body, and the number of its queries."""
    address = "/api/v1/" + filled(path, **names)
    with CaptureQueriesContext(connection) as queries:
        if body == "form":
            file = SimpleUploadedFile("x.txt", b"x")
            form = {"room": names["room"], "file": file}
            answer = client.post(address, form, format="multipart")
        else:
            answer = client.generic(
                method, address, json.dumps(filled(body, **names)), "application/json"
            )
    said = answer.json() if answer.content else None
    # Reads take the same number of queries as for an object that does not exist.
    effort = len(queries) if method == "GET" else 0
    return answer.status_code, answer["Content-Type"], said, effort


@pytest.mark.parametrize("who", ["carol", "dora"])
def test_over_rest_a_hidden_room_cannot_be_told_from_none(who: str) -> None:
    secret = Secret.make()
    client = DocumentedClient()
    # carol is in the workspace but not in the room; dora is not even in the workspace.
    client.force_login(secret.team.carol if who == "carol" else make_member(username="dora"))
    # A session's first request records its use.
    client.get("/api/v1/me/")
    before = secret.state()
    user = secret.team.bob.pk
    for method, path, body in REST:
        hidden = ask(
            client, method, path, body,
            room=HIDDEN, message=secret.message, file=secret.file, user=user,
        )  # fmt: skip
        none = ask(client, method, path, body, room=NONE, message=MISSING, file=MISSING, user=user)
        assert hidden == none, (method, path, body)
        nothing = hidden[0] == 404 or hidden[2].get("results") == []
        assert nothing, (method, path, body, hidden)
        assert secret.state() == before, (method, path, body)


def test_lists_and_counts_say_nothing_of_a_hidden_room() -> None:
    secret = Secret.make()
    client = DocumentedClient()
    client.force_login(secret.team.carol)
    for address in ("rooms/", "rooms/?joined=0", "rooms/?joined=1", "notifications/", "me/"):
        answer = client.get("/api/v1/" + address)
        assert answer.status_code == 200
        for word in ("Ops", '"ops"', "secret", "plan"):
            assert word not in answer.content.decode()
    # The slug is taken, as are those of deleted rooms. A name alone may be used again.
    made = client.post("/api/v1/rooms/", {"name": "Ops", "kind": "private"}, format="json")
    assert made.status_code == 201


# --- The socket -------------------------------------------------------------------------------

SOCKET: list[dict[str, Any]] = [
    {"action": "subscribe", "rooms": ["{room}"]},
    {"action": "subscribe", "rooms": ["{room}"], "join": False},
    {"action": "subscribe", "rooms": ["general", "{room}"]},
    {"action": "subscribe", "recover": {"room:{room}": "{position}"}},
    {"action": "unsubscribe", "rooms": ["{room}"]},
    {"action": "send_message", "room": "{room}", "text": "let me in"},
    {"action": "send_message", "channel": "{room}", "text": "x", "client_message_id": "a"},
    {"action": "send_message", "room": "general", "text": "x", "reply_to": "{message}"},
    {"action": "send_message", "room": "general", "text": "x", "attachments": ["{file}"]},
    {"action": "broadcast", "room": "{room}", "message": "let me in"},
    {"action": "edit_message", "message_id": "{message}", "text": "mine"},
    {"action": "delete_message", "message_id": "{message}"},
    {"action": "react", "message_id": "{message}", "emoji": "🎉", "on": True},
    {"action": "react", "message_id": "{message}", "emoji": "🎉", "on": False},
    {"action": "pin", "message_id": "{message}", "on": True},
    {"action": "pin", "message_id": "{message}", "on": False},
    {"action": "mark_read", "room": "{room}", "sequence": 1},
    {"action": "typing", "room": "{room}"},
    {"action": "history", "room": "{room}"},
    {"action": "history", "room": "{room}", "after": 0},
    {"action": "members", "room": "{room}"},
    {"action": "join_room", "room": "{room}"},
    {"action": "leave_room", "room": "{room}"},
    {"action": "upload", "room": "{room}", "name": "a.txt", "size": 1},
]
# These name no room: they are about users, cards and the user's own uploads.
NO_ROOM = {"open_direct", "watch_cards", "card_action", "cancel_upload", "away"}


async def opened(connect: Any, user: User, **query: str) -> Any:
    client = await connect("/ws/chat/", user=user, **query)
    await client.event("connection_established")
    return client


async def heard(client: Any) -> list[Any]:
    """Return all frames before the answer to a ping, except heartbeats."""
    await client.send({"action": "ping"})
    await client.event("pong")
    frames = [frame for frame in client.frames if frame["type"] != "heartbeat"]
    client.frames.clear()
    return frames


def alike(answer: Any, slug: str, number: int) -> str:
    """Return an answer without the parts that repeat the request."""
    text = json.dumps(answer, sort_keys=True)
    return text.replace(slug, "ROOM").replace(str(number), "NUMBER")


async def test_over_the_socket_a_hidden_room_cannot_be_told_from_none(connect: Any) -> None:
    secret = await threads.call(Secret.make)
    client = await opened(connect, secret.team.carol)
    before = await threads.call(secret.state)
    for command in SOCKET:
        answers = []
        for room, message, file in (
            (HIDDEN, secret.message, secret.file),
            (NONE, MISSING, MISSING),
        ):
            position = json.dumps(secret.position)
            text = json.dumps(command).replace('"{position}"', position).replace("{room}", room)
            text = text.replace('"{message}"', str(message)).replace('"{file}"', str(file))
            answer = await client.command(**json.loads(text))
            answer.pop("id")
            answers.append((alike(answer, room, message), alike(await heard(client), room, file)))
        assert answers[0] == answers[1], command
        quiet = command["action"] == "unsubscribe" or "rooms" not in command
        assert '"not_found"' in answers[0][0] or quiet, command
        assert await threads.call(secret.state) == before, command


async def test_addresses_bare_text_and_first_frames_open_no_hidden_room(connect: Any) -> None:
    secret = await threads.call(Secret.make)
    access = (await threads.call(jwt.issue, secret.team.carol)).access
    answers: dict[str, list[Any]] = {HIDDEN: [], NONE: []}
    for room in (HIDDEN, NONE):
        by_address = await opened(connect, secret.team.carol, room=room)
        answers[room].append(await heard(by_address))
        await by_address.send_text("let me in")
        answers[room].append(await heard(by_address))
        by_token = await connect("/ws/chat/")
        await by_token.event("connection_established")
        await by_token.send({"token": access, "channels": [room]})
        await by_token.event("auth_success")
        answers[room].append(await heard(by_token))
    assert alike(answers[HIDDEN], HIDDEN, -1) == alike(answers[NONE], NONE, -1)
    assert "secret" not in json.dumps(answers)


async def test_nothing_that_happens_in_a_hidden_room_reaches_an_outsider(connect: Any) -> None:
    secret = await threads.call(Secret.make)
    team = secret.team
    outsider = await opened(connect, team.carol)
    await outsider.command("subscribe", rooms=["general"])
    await outsider.event("room_snapshot")
    for command in ("subscribe", "history", "members"):
        key: dict[str, Any] = {"rooms": ["ops"]} if command == "subscribe" else {"room": "ops"}
        await outsider.command(command, **key)
    await heard(outsider)
    insider = await opened(connect, team.alice)
    await insider.command("subscribe", rooms=["ops"])
    await insider.command("send_message", room="ops", text="more secrets")
    await insider.command("typing", room="ops")
    await insider.command("react", message_id=secret.message, emoji="👀")
    await insider.command("mark_read", room="ops", sequence=1)
    await insider.command("send_message", room="general", text="in the open")
    assert (await outsider.event("chat_message"))["message"] == "in the open"
    frames = [frame for frame in await heard(outsider) if frame.get("room") != "general"]
    assert frames == []


async def test_who_has_left_is_an_outsider_with_every_position_they_had(connect: Any) -> None:
    secret = await threads.call(Secret.make)
    team = secret.team
    client = await opened(connect, team.bob)
    confirmed = await client.command("subscribe", rooms=["ops"])
    position = confirmed["positions"]["room:ops"]
    kept = {"epoch": position["epoch"], "offset": position["offset"]}
    await threads.call(
        services.remove_member,
        principal=await threads.call(team.as_, team.alice),
        room="ops",
        user_id=team.bob.pk,
    )
    await threads.call(team.say, team.alice, team.ops, "now that bob is gone")
    await client.event("room_left")
    await client.event("unsubscription_confirmed")
    await heard(client)
    again = await opened(connect, team.bob)
    for socket, (room, recover) in itertools.product(
        (client, again), (("ops", {"room:ops": kept}), ("nil", {"room:nil": kept}))
    ):
        refused = await socket.command("subscribe", rooms=[room], recover=recover)
        assert (refused["rooms"], refused["positions"]) == ({}, {})
        said = await heard(socket)
        assert said == [
            {"type": "unsubscription_confirmed", "rooms": [room], "reason": "not_found"}
        ]


# --- No endpoint is forgotten -----------------------------------------------------------------


def test_every_command_of_the_socket_is_tried() -> None:
    tried = {command["action"] for command in SOCKET} | NO_ROOM
    assert set(ChatConsumer.handlers) - set(RealtimeConsumer.handlers) <= tried | {"subscribe"}


def test_every_path_and_method_of_the_api_is_tried() -> None:
    names = {"slug": "{room}", "message_id": "{message}", "attachment_id": "{file}"}
    tried = {(method, path.split("?")[0]) for method, path, _body in REST} | LISTS | NOTHING
    for route in api_urls.urlpatterns:
        path = str(route.pattern)
        for name, placeholder in names.items():
            path = path.replace(f"<str:{name}>", placeholder).replace(f"<int:{name}>", placeholder)
        path = path.replace("<int:user_id>", "{user}")
        view = route.callback.view_class  # type: ignore[union-attr]
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(view, method):
                assert (method.upper(), path) in tried, (method, path)
