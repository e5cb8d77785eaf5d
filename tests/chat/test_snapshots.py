"""The snapshots of rooms that a user enters, and their number of queries."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat import selectors, services
from chat.models import Room
from chat.protocol import RoomSnapshot
from chat.selectors import RosterLimits
from realtime.errors import NotFound
from realtime.protocol import Position
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db

POSITION = Position("0" * 32, 0)
# The room, its messages and pins; reactions, files, mentions, pins and replies of both.
FOR_EACH_ROOM = 8


def come_to(team: Team, rooms: list[Room]) -> tuple[list[RoomSnapshot], int]:
    """Return bob's snapshots of `rooms` when he enters them, and the number of queries."""
    bob = team.as_(team.bob)
    with CaptureQueriesContext(connection) as queries:
        seen = selectors.overviews(bob, [room.slug for room in rooms])
        shown = [selectors.snapshot(bob, each, POSITION) for each in seen.values()]
    return shown, len(queries)


def talk(team: Team, room: Room) -> None:
    first = team.say(team.alice, room, "@bob?")
    team.say(team.bob, room, "yes", reply_to=first.message_id)
    team.say(team.alice, room, "@bob!")
    services.set_pin(principal=team.as_(team.alice), message_id=first.message_id, on=True)
    services.set_reaction(
        principal=team.as_(team.bob), message_id=first.message_id, emoji="👍", on=True
    )


def test_of_many_rooms_only_what_was_said_is_read_for_each(team: Team) -> None:
    rooms = [team.room(f"room-{number}", people=[team.bob]) for number in range(20)]
    for room in rooms:
        talk(team, room)
    _, for_one = come_to(team, rooms[:1])
    shown, for_all = come_to(team, rooms)
    assert for_all - for_one <= 19 * FOR_EACH_ROOM
    assert for_one - FOR_EACH_ROOM <= 8
    assert [each.room for each in shown] == [room.slug for room in rooms]
    for each in shown:
        assert (each.info.unread, each.info.mentions) == (1, 1)
        assert [view.message for view in each.data] == ["@bob?", "yes", "@bob!"]
        assert [view.message for view in each.pins] == ["@bob?"]
        assert each.pins[0].pinned
        assert each.pins[0].reactions[0].count == 1
        assert each.data[0].mentions == [team.bob.pk]
        assert [member.username for member in each.members] == ["alice", "bob"]
        assert each.present == [team.bob.pk]


def test_members_that_the_confirmation_had_no_place_for_are_in_the_snapshot(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RosterLimits, "IN_ALL", 2)
    monkeypatch.setattr(RosterLimits, "EACH", 1)
    team.add(team.ops, team.carol)
    bob = team.as_(team.bob)
    seen = selectors.overviews(bob, ["general", "ops"])
    assert [len(each.standing().members) for each in seen.values()] == [1, 1]
    shown = [selectors.snapshot(bob, each, POSITION) for each in seen.values()]
    names = [[member.username for member in each.members] for each in shown]
    assert names == [["alice", "bob"], ["alice", "bob"]]
    assert [each.info.member_count for each in shown] == [2, 3]


def test_who_is_put_out_between_the_two_sees_nothing(team: Team) -> None:
    bob = team.as_(team.bob)
    seen = selectors.overviews(bob, ["ops"])["ops"]
    services.remove_member(principal=team.as_(team.alice), room="ops", user_id=team.bob.pk)
    with pytest.raises(NotFound):
        selectors.snapshot(bob, seen, POSITION)
