"""The notifications socket, line by line of the protocol's Notifications section."""

from __future__ import annotations

import time
from typing import Any

import pytest

from notifications import selectors, services
from notifications.subjects import Subject
from realtime.auth import Principal
from realtime.hub import get_hub
from tests.notifications.conftest import Inbox, Team, call
from tests.support.people import join, make_workspace

pytestmark = pytest.mark.django_db(transaction=True)


async def test_on_connect_the_unread_ones_come_newest_first(inbox: Inbox, live_team: Team) -> None:
    older = (await call(live_team.tell, live_team.ann, title="Older"))[0]
    read = (await call(live_team.tell, live_team.ann, title="Read"))[0]
    newer = (await call(live_team.tell, live_team.ann, title="Newer", severity="critical"))[0]
    me = await call(live_team.principal, live_team.ann)
    await call(services.mark_read, principal=me, notification_ids=[read.pk])
    client = await inbox(live_team.ann)
    data = await client.event("initial_data")
    assert [each["id"] for each in data["data"]] == [newer.pk, older.pk]
    assert data["unread_count"] == 2
    assert data["offset"] == 4
    assert "stream" not in data, "a snapshot is no event of the stream"
    assert data["data"][0] == {
        "id": newer.pk,
        "kind": "message",
        "title": "Newer",
        "message": "",
        "severity": "critical",
        "link": "",
        "created_at": data["data"][0]["created_at"],
        "read": False,
    }


async def test_a_snapshot_is_bounded_and_its_count_is_not(
    inbox: Inbox, live_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "SNAPSHOT", 2)
    for _ in range(5):
        await call(live_team.tell, live_team.ann)
    data = await (await inbox(live_team.ann)).event("initial_data")
    assert (len(data["data"]), data["unread_count"]) == (2, 5)


async def test_what_comes_while_the_snapshot_is_read_is_told_after_it(
    inbox: Inbox, live_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = selectors.snapshot
    loop_hub = await get_hub()

    def slow(principal: Principal) -> selectors.Snapshot:
        live_team.tell(live_team.ann)
        deadline = time.monotonic() + 5
        # The process has received the event, which is on its way to this socket.
        while not any(
            s.behind for c in list(loop_hub.connections) for s in list(c.subscriptions.values())
        ):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return read(principal)

    monkeypatch.setattr(selectors, "snapshot", slow)
    client = await inbox(live_team.ann)
    await client.event("new_notification")
    assert "initial_data" in [frame["type"] for frame in client.frames], "it came before"
    snapshot = await client.event("initial_data")
    assert (snapshot["offset"], snapshot["unread_count"]) == (0, 1)


async def test_a_new_one_reaches_each_of_the_users_sockets_and_nobody_elses(
    inbox: Inbox, live_team: Team
) -> None:
    first, second = await inbox(live_team.ann), await inbox(live_team.ann)
    bystander = await inbox(live_team.ben)
    await call(live_team.tell, live_team.ann, title="Box, box", link="/chat/?room=pit")
    for client in (first, second):
        new = await client.event("new_notification")
        assert new["data"]["title"] == "Box, box"
        assert new["data"]["link"] == "/chat/?room=pit"
        assert (new["stream"], new["offset"], new["unread_count"]) == ("notifications", 1, 1)
    await bystander.command("ping")
    assert "new_notification" not in [frame["type"] for frame in bystander.frames]


async def test_read_on_one_socket_it_is_read_on_all(inbox: Inbox, live_team: Team) -> None:
    (told,) = await call(live_team.tell, live_team.ann)
    await call(live_team.tell, live_team.ann)
    first, second = await inbox(live_team.ann), await inbox(live_team.ann)
    answer = await first.command("mark_as_read", notification_id=told.pk)
    assert (answer["type"], answer["marked"], answer["unread_count"]) == ("ack", 1, 1)
    for client in (first, second):
        read = await client.event("notification_read")
        assert (read["ids"], read["unread_count"]) == ([told.pk], 1)
        assert (read["stream"], read["offset"]) == ("notifications", 3)


async def test_all_can_be_marked_at_once(inbox: Inbox, live_team: Team) -> None:
    made = [(await call(live_team.tell, live_team.ann))[0].pk for _ in range(3)]
    client = await inbox(live_team.ann)
    answer = await client.command("mark_as_read", all=True)
    assert (answer["marked"], answer["unread_count"]) == (3, 0)
    read = await client.event("notification_read")
    assert (sorted(read["ids"]), read["unread_count"]) == (made, 0)


@pytest.mark.parametrize(
    "fields",
    [{}, {"all": False}, {"notification_id": 1, "all": True}, {"notification_id": "7"},
     {"notification_id": 0}, {"notification_id": None}, {"ids": [1]}],
)  # fmt: skip
async def test_a_malformed_mark_as_read_is_refused_by_field(
    inbox: Inbox, live_team: Team, fields: dict[str, Any]
) -> None:
    client = await inbox(live_team.ann)
    refused = await client.command("mark_as_read", **fields)
    assert (refused["type"], refused["code"]) == ("error", "invalid_command")
    assert refused["errors"]
    assert (await client.command("ping"))["type"] == "pong"


async def test_somebody_elses_notification_looks_like_none(inbox: Inbox, live_team: Team) -> None:
    (theirs,) = await call(live_team.tell, live_team.ben)
    client = await inbox(live_team.ann)
    answers = [
        await client.command("mark_as_read", notification_id=number)
        for number in (theirs.pk, 999_999)
    ]
    assert [answer["code"] for answer in answers] == ["not_found", "not_found"]
    assert answers[0]["message"] == answers[1]["message"]


async def test_who_comes_back_with_a_position_gets_exactly_what_was_missed(
    inbox: Inbox, live_team: Team
) -> None:
    first = await inbox(live_team.ann)
    snapshot = await first.event("initial_data")
    await first.close()
    await call(live_team.tell, live_team.ann, title="While away")
    me = await call(live_team.principal, live_team.ann)
    await call(services.mark_read, principal=me, notification_ids=None)
    second = await inbox(live_team.ann)
    await second.event("initial_data")
    position = {"epoch": snapshot["epoch"], "offset": snapshot["offset"]}
    confirmed = await second.command("subscribe", recover={"notifications": position})
    assert confirmed["positions"]["notifications"] == {**position, "recovered": True}
    assert (await second.event("new_notification"))["data"]["title"] == "While away"
    assert (await second.event("notification_read"))["unread_count"] == 0
    assert "initial_data" not in [frame["type"] for frame in second.frames]


@pytest.mark.parametrize("recover", [None, {"notifications": {"epoch": "gone", "offset": 3}}])
async def test_without_a_position_that_is_known_a_new_snapshot_follows(
    inbox: Inbox, live_team: Team, recover: Any
) -> None:
    await call(live_team.tell, live_team.ann)
    client = await inbox(live_team.ann)
    await client.event("initial_data")
    confirmed = await client.command("subscribe", streams=["notifications"], recover=recover)
    position = confirmed["positions"]["notifications"]
    assert position["recovered"] is False
    snapshot = await client.event("initial_data")
    assert (snapshot["unread_count"], snapshot["offset"]) == (1, position["offset"])


async def test_a_stream_that_is_not_of_this_endpoint_is_refused(
    inbox: Inbox, live_team: Team
) -> None:
    client = await inbox(live_team.ann)
    refused = await client.command("subscribe", recover={"room:ops": {"epoch": "x", "offset": 0}})
    assert (refused["code"], list(refused["errors"])) == (
        "invalid_command",
        ["recover[room:ops]"],
    )


async def test_an_old_snapshot_and_its_events_make_a_new_snapshot(
    inbox: Inbox, live_team: Team
) -> None:
    """Replay: every change of a user's notifications is reported completely."""
    kept = (await call(live_team.tell, live_team.ann, title="Before"))[0]
    watcher = await inbox(live_team.ann)
    state = Known(await watcher.event("initial_data"))
    me = await call(live_team.principal, live_team.ann)
    for number in range(4):
        await call(live_team.tell, live_team.ann, live_team.ben, title=f"Lap {number}")
    await call(live_team.tell, live_team.ann, dedupe_key="once")
    await call(live_team.tell, live_team.ann, dedupe_key="once")
    await call(services.mark_read, principal=me, notification_ids=[kept.pk])
    newest = (await call(live_team.tell, live_team.ann, title="Last"))[0]
    await call(services.mark_read, principal=me, notification_ids=[newest.pk, kept.pk])
    while state.offset < 9:
        state.apply(await watcher.next())
    fresh = Known(await (await inbox(live_team.ann)).event("initial_data"))
    assert (state.unread, state.count, state.offset) == (fresh.unread, fresh.count, fresh.offset)
    assert state.count == 5


async def test_an_event_before_the_snapshot_changes_nothing_in_it(
    inbox: Inbox, live_team: Team
) -> None:
    """A snapshot may be newer than its position: applying the events in between is harmless."""
    client = await inbox(live_team.ann)
    start = await client.event("initial_data")
    me = await call(live_team.principal, live_team.ann)
    (first,) = await call(live_team.tell, live_team.ann)
    await call(live_team.tell, live_team.ann)
    await call(services.mark_read, principal=me, notification_ids=[first.pk])
    newer = Known(await (await inbox(live_team.ann)).event("initial_data"))
    state = Known({**start, "data": list(newer.unread.values()), "unread_count": newer.count})
    while state.offset < newer.offset:
        state.apply(await client.next())
    assert (state.unread, state.count) == (newer.unread, newer.count)


async def test_what_is_taken_back_of_a_notification_is_so_for_who_knows_it(
    inbox: Inbox, live_team: Team
) -> None:
    client = await inbox(live_team.ann)
    state = Known(await client.event("initial_data"))
    pit = Subject("room", 1)
    here = {"subject": pit, "subject_sequence": 1, "message": "quoted"}
    await call(live_team.tell, live_team.ann, live_team.ben, **here)
    await call(live_team.tell, live_team.ann, **here | {"subject_sequence": 11, "message": "kept"})
    for _ in range(2):
        await call(
            services.take_back, workspace_id=live_team.workspace.pk, subject=pit, sequences=[1]
        )
    newer = Known(await (await inbox(live_team.ann)).event("initial_data"))
    # A snapshot may be newer than its position: this process may not have heard of all yet.
    while state.offset < 3:
        state.apply(await client.next())
    assert (state.unread, state.count) == (newer.unread, newer.count)
    assert [each["message"] for each in newer.unread.values()] == ["kept", ""]


async def test_the_same_user_in_another_workspace_hears_nothing_of_it(
    inbox: Inbox, live_team: Team
) -> None:
    other = await call(make_workspace)
    await call(join, live_team.ann, other)
    elsewhere = await inbox(live_team.ann, workspace=other.slug)
    assert (await elsewhere.event("initial_data"))["unread_count"] == 0
    (told,) = await call(live_team.tell, live_team.ann)
    refused = await elsewhere.command("mark_as_read", notification_id=told.pk)
    assert refused["code"] == "not_found"
    assert "new_notification" not in [frame["type"] for frame in elsewhere.frames]
    assert (await elsewhere.command("mark_as_read", all=True))["marked"] == 0


class Known:
    """The state of a client that follows the protocol."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        self.unread = {each["id"]: each for each in snapshot["data"]}
        self.count = snapshot["unread_count"]
        self.offset = snapshot["offset"]

    def apply(self, frame: dict[str, Any]) -> None:
        if "offset" not in frame:
            return
        assert frame["offset"] == self.offset + 1
        self.offset = frame["offset"]
        self.count = frame["unread_count"]
        if frame["type"] == "new_notification":
            self.unread[frame["data"]["id"]] = frame["data"]
        elif frame["type"] == "notification_changed":
            if frame["data"]["id"] in self.unread:
                self.unread[frame["data"]["id"]] = frame["data"]
        else:
            for each in frame["ids"]:
                self.unread.pop(each, None)
