"""The chat socket, line by line of the protocol's Chat section."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import services as accounts
from chat import selectors, services
from chat.models import Message
from realtime.database import threads
from realtime.streams import publish
from tests.support.rooms import Team

POSITION = {"epoch": "0" * 32, "offset": 1}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def team(transactional_db: None) -> Team:
    return Team()


@pytest.fixture
def socket(connect: Any) -> Any:
    async def opened(user: Any, *rooms: str, **query: str) -> Any:
        client = await connect("/ws/chat/", user=user, **query)
        await client.event("connection_established")
        if rooms:
            confirmed = await client.command("subscribe", rooms=list(rooms))
            assert confirmed["type"] == "subscription_confirmed", confirmed
            for _ in rooms:
                await client.event("room_snapshot")
        return client

    return opened


async def test_subscribing_tells_where_one_stands_and_shows_the_room(
    socket: Any, team: Team
) -> None:
    await threads.call(team.say, team.bob, team.general, "hello **there**")
    client = await socket(team.alice)
    confirmed = await client.command("subscribe", rooms=["general"])
    room = confirmed["rooms"]["general"]
    assert [member["username"] for member in room["members"]] == ["alice", "bob"]
    assert (room["unread"], room["read_sequence"], room["member_count"]) == (1, 0, 2)
    position = confirmed["positions"]["room:general"]
    assert position["recovered"] is False
    snapshot = await client.event("room_snapshot")
    assert (snapshot["epoch"], snapshot["offset"]) == (position["epoch"], position["offset"])
    assert [message["html"] for message in snapshot["data"]] == [
        "<p>hello <strong>there</strong></p>\n"
    ]
    assert snapshot["present"] == [team.alice.pk]


async def test_a_message_reaches_everybody_in_the_room_and_is_acknowledged(
    socket: Any, team: Team
) -> None:
    alice, bob = await socket(team.alice, "general"), await socket(team.bob, "general")
    ack = await alice.command(
        "send_message", room="general", text="hi @bob", client_message_id="a1"
    )
    stored = await threads.call(Message.objects.get)
    assert (ack["type"], ack["room"], ack["sequence"]) == ("ack", "general", 1)
    assert (ack["message_id"], ack["duplicate"]) == (stored.pk, False)
    for client in (alice, bob):
        frame = await client.event("chat_message")
        assert (frame["stream"], frame["sequence"], frame["message"]) == (
            "room:general",
            1,
            "hi @bob",
        )
        assert (frame["user_id"], frame["username"]) == (team.alice.pk, "alice")
        assert frame["mentions"] == [team.bob.pk]
        assert frame["client_message_id"] == "a1"
        assert '<span class="mention">@bob</span>' in frame["html"]
    again = await alice.command(
        "send_message", room="general", text="hi @bob", client_message_id="a1"
    )
    assert (again["sequence"], again["duplicate"]) == (1, True)
    assert "chat_message" not in await bob.silence()


@pytest.mark.parametrize(
    "frame",
    [
        {"action": "broadcast", "room": "general", "message": "hello"},
        {"action": "send_message", "channel": "general", "text": "hello"},
        {"type": "broadcast", "channel": "general", "text": "hello"},
    ],
)
async def test_other_words_for_the_same_are_understood(
    socket: Any, team: Team, frame: dict[str, Any]
) -> None:
    bob = await socket(team.bob, "general")
    await bob.send(frame)
    assert (await bob.event("ack"))["sequence"] == 1
    assert (await bob.event("chat_message"))["message"] == "hello"


async def test_bare_text_is_a_message_for_the_room_of_the_address(socket: Any, team: Team) -> None:
    alice = await socket(team.alice, room="general")
    await alice.event("subscription_confirmed")
    await alice.send_text("just text, {not json")
    assert (await alice.event("chat_message"))["message"] == "just text, {not json"
    assert (await alice.event("ack"))["sequence"] == 1


@pytest.mark.parametrize(
    "fields",
    [
        '"text": "to nobody", "text": "but me"',
        '"text": "secret", "client_message_id": NaN',
        '"text": "secret", "reply_to": 1e400',
        '"text": "secret", "reply_to": 9007199254740993',
        '"text": "secret\\u0000"',
        '"text": "secret\\ud800"',
        '"text": ' + "[" * 10_000 + "]" * 10_000,
    ],
    ids=["a key twice", "NaN", "1e400", "2^53", "U+0000", "half a pair", "nested"],
)
async def test_a_command_that_is_refused_is_told_to_its_sender_and_not_to_the_room(
    socket: Any, team: Team, fields: str
) -> None:
    alice = await socket(team.alice, room="general")
    await alice.event("subscription_confirmed")
    await alice.send_text(' {"action": "send_message", "room": "general", ' + fields + "}")
    assert (await alice.event("error"))["code"] == "invalid_json"
    assert not await threads.call(Message.objects.exists)


@pytest.mark.parametrize("text", ["NaN", "9007199254740993", "[-Infinity]", '"{}"', "{} {}"])
async def test_words_that_json_has_too_are_bare_text(socket: Any, team: Team, text: str) -> None:
    alice = await socket(team.alice, room="general")
    await alice.event("subscription_confirmed")
    await alice.send_text(text)
    assert (await alice.event("chat_message"))["message"] == text


async def test_the_reply_to_bare_text_has_no_id(socket: Any, team: Team) -> None:
    alice = await socket(team.alice, room="general")
    assert (await alice.command("send_message", room="general", text="one"))["sequence"] == 1
    await alice.send_text("two")
    ack = await alice.event("ack")
    assert ack["sequence"] == 2
    assert "id" not in ack


async def test_a_room_that_no_column_can_name_is_not_found(
    socket: Any, team: Team, caplog: pytest.LogCaptureFixture
) -> None:
    alice = await socket(team.alice, room="\0")
    assert (await alice.event("error"))["code"] == "not_found"
    await alice.send_text("is anybody there?")
    assert (await alice.event("error"))["code"] == "not_found"
    assert not [record for record in caplog.records if record.exc_info]


async def test_bare_text_without_a_room_is_no_json(socket: Any, team: Team) -> None:
    alice = await socket(team.alice)
    await alice.send_text("hello?")
    assert (await alice.event("error"))["code"] == "invalid_json"


async def test_a_first_frame_with_channels_logs_in_and_subscribes(connect: Any, team: Team) -> None:
    _, token = await threads.call(
        accounts.create_token,
        user_id=team.alice.pk,
        workspace_id=team.workspace.pk,
        name="program",
    )
    client = await connect("/ws/chat/")
    await client.event("connection_established")
    await client.send({"token": token, "channels": ["general", "ops"]})
    assert (await client.event("auth_success"))["username"] == "alice"
    confirmed = await client.event("subscription_confirmed")
    assert sorted(confirmed["rooms"]) == ["general", "ops"]


async def test_what_was_missed_comes_first_and_in_order(socket: Any, team: Team) -> None:
    first = await socket(team.bob, "general")
    await threads.call(team.say, team.alice, team.general, "one")
    seen = await first.event("chat_message")
    await first.close()
    for text in ("two", "three"):
        await threads.call(team.say, team.alice, team.general, text)
    again = await socket(team.bob)
    confirmed = await again.command(
        "subscribe",
        rooms=["general"],
        recover={"room:general": {"epoch": seen["epoch"], "offset": seen["offset"]}},
    )
    assert confirmed["positions"]["room:general"]["recovered"] is True
    frames = [await again.event("chat_message") for _ in range(2)]
    assert [frame["message"] for frame in frames] == ["two", "three"]
    assert [frame["offset"] for frame in frames] == [seen["offset"] + 1, seen["offset"] + 2]
    assert "room_snapshot" not in await again.silence()


async def test_edits_deletions_reactions_and_pins_are_told(socket: Any, team: Team) -> None:
    alice, bob = await socket(team.alice, "general"), await socket(team.bob, "general")
    sent = await alice.command("send_message", room="general", text="helo")
    number = sent["message_id"]
    await alice.command("edit_message", message_id=number, text="hello")
    edited = await bob.event("message_edited")
    assert (edited["message"], edited["html"]) == ("hello", "<p>hello</p>\n")
    await bob.command("react", message_id=number, emoji="👍", on=True)
    reacted = await alice.event("reaction_changed")
    assert (reacted["user_id"], reacted["emoji"], reacted["on"], reacted["count"]) == (
        team.bob.pk,
        "👍",
        True,
        1,
    )
    await alice.command("pin", message_id=number)
    assert (await bob.event("pin_changed"))["on"] is True
    await alice.command("delete_message", message_id=number)
    deleted = await bob.event("message_deleted")
    assert (deleted["message_id"], deleted["deleted_by"]) == (number, team.alice.pk)


async def test_a_public_room_is_joined_by_subscribing(socket: Any, team: Team) -> None:
    bob = await socket(team.bob, "general")
    await socket(team.carol, "general")
    assert (await bob.event("member_joined"))["member"]["username"] == "carol"


async def test_looking_in_joins_nothing(socket: Any, team: Team) -> None:
    carol = await socket(team.carol)
    confirmed = await carol.command("subscribe", rooms=["general"], join=False)
    assert confirmed["rooms"]["general"]["role"] is None
    assert confirmed["rooms"]["general"]["member_count"] == 2


async def test_a_room_that_is_not_ones_own_changes_nothing(socket: Any, team: Team) -> None:
    carol = await socket(team.carol)
    answers = [
        await carol.command("subscribe", rooms=["general", room]) for room in ("ops", "nope")
    ]
    assert [answer["code"] for answer in answers] == ["not_found", "not_found"]
    assert answers[0]["message"].replace("ops", "nope") == answers[1]["message"]
    await threads.call(team.say, team.alice, team.general)
    assert "chat_message" not in await carol.silence()


async def test_a_resumed_room_that_is_gone_does_not_hold_up_the_others(
    socket: Any, team: Team
) -> None:
    carol = await socket(team.carol)
    confirmed = await carol.command(
        "subscribe", rooms=["general", "ops"], recover={"room:ops": POSITION}
    )
    assert list(confirmed["rooms"]) == ["general"]
    ended = await carol.event("unsubscription_confirmed")
    assert (ended["rooms"], ended["reason"]) == (["ops"], "not_found")


async def test_who_is_removed_hears_nothing_more_on_any_socket(socket: Any, team: Team) -> None:
    tabs = [await socket(team.bob, "ops"), await socket(team.bob, "ops", "general")]
    alice = await socket(team.alice, "ops")
    await threads.call(
        services.remove_member,
        principal=await threads.call(team.as_, team.alice),
        room="ops",
        user_id=team.bob.pk,
    )
    await threads.call(team.say, team.alice, team.ops, "now that he is gone")
    await alice.event("chat_message")
    for tab in tabs:
        ended = await tab.event("unsubscription_confirmed")
        assert (ended["rooms"], ended["reason"]) == (["ops"], "removed")
        assert (await tab.event("room_left"))["room"] == "ops"
        assert "chat_message" not in await tab.silence()
        refused = await tab.command("send_message", room="ops", text="still here?")
        assert refused["code"] == "not_found"
    await threads.call(team.say, team.alice, team.general, "elsewhere all goes on")
    assert (await tabs[1].event("chat_message"))["room"] == "general"


async def test_who_is_removed_is_so_though_no_process_was_woken(
    socket: Any, team: Team, monkeypatch: Any
) -> None:
    bob, alice = await socket(team.bob, "ops"), await socket(team.alice, "ops")
    with monkeypatch.context() as lossy:
        lossy.setattr(publish, "publish_log", lambda appended: None)
        await threads.call(
            services.remove_member,
            principal=await threads.call(team.as_, team.alice),
            room="ops",
            user_id=team.bob.pk,
        )
    await threads.call(team.say, team.alice, team.ops, "now that he is gone")
    assert (await bob.event("unsubscription_confirmed"))["reason"] == "removed"
    await alice.event("member_left")
    await alice.event("chat_message")
    assert "chat_message" not in await bob.silence()


async def test_who_is_removed_while_subscribing_does_not_get_in(
    socket: Any, team: Team, monkeypatch: Any
) -> None:
    bob = await socket(team.bob)
    alice = await threads.call(team.as_, team.alice)
    looked_up = selectors.roles_in

    def removed_just_after(*arguments: Any) -> Any:
        found = looked_up(*arguments)
        services.remove_member(principal=alice, room="ops", user_id=team.bob.pk)
        return found

    monkeypatch.setattr(selectors, "roles_in", removed_just_after)
    confirmed = await bob.command("subscribe", rooms=["ops"])
    assert (confirmed.get("rooms"), confirmed.get("positions")) == ({}, {})
    assert (await bob.event("unsubscription_confirmed"))["reason"] == "not_found"
    await threads.call(team.say, team.alice, team.ops, "now that he is gone")
    assert "chat_message" not in await bob.silence()


async def test_who_was_put_out_of_a_public_room_may_come_back(socket: Any, team: Team) -> None:
    bob = await socket(team.bob, "general")
    await bob.command("leave_room", room="general")
    await bob.event("unsubscription_confirmed")
    await bob.command("subscribe", rooms=["general"])
    await bob.command("send_message", room="general", text="back again")
    assert (await bob.event("chat_message"))["message"] == "back again"


async def test_a_deleted_room_ends_for_everybody(socket: Any, team: Team) -> None:
    bob = await socket(team.bob, "ops")
    principal = await threads.call(team.as_, team.alice)
    await threads.call(services.delete_room, principal=principal, room="ops")
    ended = await bob.event("unsubscription_confirmed")
    assert (ended["rooms"], ended["reason"]) == (["ops"], "deleted")


async def test_a_new_room_appears_on_its_members_open_pages(socket: Any, team: Team) -> None:
    bob = await socket(team.bob)
    alice = await socket(team.alice)
    opened = await alice.command("open_direct", username="BOB")
    assert opened["info"]["username"] == "bob"
    while (appeared := await bob.event("room_joined"))["room"] != opened["room"]:
        pass
    assert (appeared["info"]["kind"], appeared["info"]["username"]) == ("direct", "alice")
    again = await bob.command("open_direct", user_id=team.alice.pk)
    assert again["room"] == opened["room"]


async def test_who_joins_by_writing_among_others_has_nothing_unread(
    socket: Any, team: Team
) -> None:
    def write_together() -> None:
        services.post_drafts(
            [
                services.draft_message(principal=team.as_(person), room="general", text="hi")
                for person in (team.alice, team.carol)
            ]
        )

    carol = await socket(team.carol)
    await threads.call(write_together)
    info = (await carol.event("room_joined"))["info"]
    assert (info["unread"], info["read_sequence"], info["head_sequence"]) == (0, 2, 2)
    assert info["last_message"]["username"] == "carol"


async def test_reading_on_one_tab_shows_on_the_other(socket: Any, team: Team) -> None:
    await threads.call(team.say, team.alice, team.general, "@bob look")
    await threads.call(team.say, team.alice, team.general, "@bob look again")
    one, two = await socket(team.bob, "general"), await socket(team.bob)
    ack = await one.command("mark_read", room="general", sequence=1)
    assert (ack["sequence"], ack["unread"], ack["mentions"]) == (1, 1, 1)
    marker = await two.event("read_marker")
    assert (marker["room"], marker["sequence"], marker["unread"], marker["mentions"]) == (
        "general",
        1,
        1,
        1,
    )
    assert (await one.command("mark_read", room="general", sequence=0))["sequence"] == 1
    assert (await one.command("mark_read", room="general", sequence=99))["sequence"] == 2


async def test_typing_is_told_and_not_too_often(socket: Any, team: Team) -> None:
    alice, bob = await socket(team.alice, "general"), await socket(team.bob, "general")
    for _ in range(5):
        await alice.command("typing", room="general")
    typing = await bob.event("typing")
    assert (typing["user_id"], typing["username"], typing["expires_in"]) == (
        team.alice.pk,
        "alice",
        6.0,
    )
    assert "typing" not in await bob.silence()


async def test_who_comes_and_goes_is_told(socket: Any, team: Team) -> None:
    alice = await socket(team.alice, "general")
    bob = await socket(team.bob, "general")
    while (joined := await alice.event("user_joined"))["user_id"] != team.bob.pk:
        pass
    assert joined["username"] == "bob"
    await bob.close()
    assert (await alice.event("user_left", within=20))["user_id"] == team.bob.pk


async def test_the_rooms_of_a_person_with_what_is_unread(socket: Any, team: Team) -> None:
    await threads.call(team.say, team.alice, team.general, "@bob one")
    await threads.call(team.say, team.alice, team.general, "two")
    bob = await socket(team.bob)
    answer = await bob.command("request_data", request="rooms")
    rooms = {room["slug"]: room for room in answer["data"]}
    assert sorted(rooms) == ["general", "ops"]
    assert (rooms["general"]["unread"], rooms["general"]["mentions"]) == (2, 1)
    assert rooms["general"]["last_message"]["excerpt"] == "two"
    carol = await socket(team.carol)
    answer = await carol.command("request_data", request="rooms")
    assert [(room["slug"], room["role"]) for room in answer["data"]] == [("general", None)]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"action": "send_message", "room": "general", "text": ""}, "invalid_command"),
        ({"action": "send_message", "room": "general"}, "invalid_command"),
        ({"action": "send_message", "text": "to whom?"}, "invalid_command"),
        ({"action": "send_message", "room": "general", "text": "x" * 16_001}, "invalid_command"),
        ({"action": "send_message", "room": "nope", "text": "x"}, "not_found"),
        ({"action": "send_message", "room": "x" * 200, "text": "x"}, "not_found"),
        ({"action": "send_message", "room": "general", "text": "x", "to": 1}, "invalid_command"),
        ({"action": "edit_message", "message_id": 0, "text": "x"}, "not_found"),
        ({"action": "delete_message", "message_id": 2**53}, "not_found"),
        ({"action": "react", "message_id": 0, "emoji": "👍"}, "not_found"),
        ({"action": "react", "message_id": 0, "emoji": "lol"}, "invalid_command"),
        ({"action": "mark_read", "room": "nope", "sequence": 1}, "not_found"),
        ({"action": "typing", "room": "nope"}, "not_found"),
        ({"action": "history", "room": "nope"}, "not_found"),
        ({"action": "history", "room": "general", "limit": 1000}, "invalid_command"),
        ({"action": "history", "room": "general", "before": 1, "after": 1}, "invalid_command"),
        ({"action": "subscribe", "recover": {"alerts": POSITION}}, "invalid_command"),
        ({"action": "open_direct", "username": "nobody"}, "not_found"),
        ({"action": "leave_room", "room": "nope"}, "not_found"),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_is_an_error_and_ends_nothing(
    socket: Any, team: Team, command: dict[str, Any], code: str
) -> None:
    alice = await socket(team.alice, "general")
    action = command.pop("action")
    assert (await alice.command(action, **command))["code"] == code
    assert (await alice.command("send_message", room="general", text="on"))["sequence"] == 1


async def test_an_edit_of_what_was_edited_elsewhere_is_a_conflict(socket: Any, team: Team) -> None:
    laptop, phone = await socket(team.alice, "general"), await socket(team.alice, "general")
    sent = await laptop.command("send_message", room="general", text="one")
    edit = {"message_id": sent["message_id"], "expected_edited_at": None}
    await laptop.command("edit_message", text="two", **edit)
    seen = (await phone.event("message_edited"))["edited_at"]
    late = await phone.command("edit_message", text="three", **edit)
    assert (late["code"], list(late["errors"])) == ("conflict", ["expected_edited_at"])
    unread = await phone.command("edit_message", text="x", **edit | {"expected_edited_at": "soon"})
    assert (unread["code"], list(unread["errors"])) == ("invalid_command", ["expected_edited_at"])
    again = await phone.command(
        "edit_message", text="three", **edit | {"expected_edited_at": seen.lower()}
    )
    assert again["sequence"] == 1
    assert (await laptop.event("message_edited"))["message"] == "two"
    assert (await laptop.event("message_edited"))["message"] == "three"


async def change_of_attention(client: Any, user_id: int, on: bool) -> None:
    frame = None
    while frame is None or (frame["user_id"], frame["on"]) != (user_id, on):
        frame = await client.event("user_away", within=20)


async def test_who_turns_away_everywhere_is_shown_as_away_until_they_are_back(
    socket: Any, team: Team
) -> None:
    alice = await socket(team.alice, "general")
    laptop, phone = await socket(team.bob, "general"), await socket(team.bob, "general")
    while (await alice.event("user_joined"))["user_id"] != team.bob.pk:
        pass
    await laptop.command("away", on=True)
    await phone.command("away", on=True)
    await change_of_attention(alice, team.bob.pk, on=True)
    late = await connect_late(socket, team)
    assert late["away"] == [team.bob.pk]
    await laptop.command("away", on=False)
    await change_of_attention(alice, team.bob.pk, on=False)


async def connect_late(socket: Any, team: Team) -> dict[str, Any]:
    """Return the snapshot of the room for a user who connects now."""
    client = await socket(team.carol)
    confirmed = await client.command("subscribe", rooms=["general"])
    snapshot = await client.event("room_snapshot")
    assert snapshot["away"] == confirmed["rooms"]["general"]["away"]
    return dict(snapshot)
