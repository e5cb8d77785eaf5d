"""Other apps post in a room through its channel, without knowing chat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Role
from chat import selectors, services
from chat.models import Message, Room
from chat.search import queries
from notifications import cards, channels
from notifications.cards import Card
from notifications.channels import ChannelMessage
from notifications.models import Notification
from notifications.services import send_to_channel
from realtime.auth import Principal
from realtime.database import threads
from realtime.errors import AppError, Conflict, InvalidCommand, NotFound, PermissionDenied
from realtime.streams.unit_of_work import unit_of_work
from tests.support.people import make_member, make_workspace
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db
FIRING = ChannelMessage(
    title="Brakes are hot", text="front left: 940 °C", severity="critical", link="/dashboards/?a=1"
)


def send(team: Team, message: ChannelMessage = FIRING, room: str = "ops") -> None:
    send_to_channel(
        workspace_id=team.workspace.pk, channel="room", target={"room": room}, message=message
    )


def newest(team: Team, person: Any = None, room: str = "ops") -> Any:
    """Return the room's newest message, as one of its members sees it."""
    return selectors.history(team.as_(person or team.bob), room, limit=1).data[0]


# --- A small alerts app, which imports nothing from chat --------------------------------------


class ToyAlerts:
    """Alerts by id; each has a live card."""

    def __init__(self, workspace_id: int) -> None:
        self.workspace_id = workspace_id
        self.states: dict[str, str] = {}

    def card_states(
        self, principal: Principal, references: Sequence[str]
    ) -> dict[str, cards.State | None]:
        visible = principal.workspace_id == self.workspace_id
        return {
            each: {"state": self.states[each]} if visible and each in self.states else None
            for each in references
        }

    @unit_of_work
    def fire(self, alert: str, target: channels.Target) -> None:
        self.states[alert] = "firing"
        card = Card("toy_alert", alert, {"state": "firing"})
        message = ChannelMessage(title=f"Alert {alert}", severity="warning", card=card)
        send_to_channel(
            workspace_id=self.workspace_id, channel="room", target=target, message=message
        )

    @unit_of_work
    def resolve(self, alert: str) -> None:
        self.states[alert] = "ok"
        cards.card_changed(
            workspace_id=self.workspace_id,
            kind="toy_alert",
            reference=alert,
            state={"state": "ok"},
        )


@pytest.fixture
def live_team(transactional_db: None) -> Team:
    return Team()


@pytest.fixture
def alerts(live_team: Team) -> Iterator[ToyAlerts]:
    app = ToyAlerts(live_team.workspace.pk)
    cards.register(cards.CardKind("toy_alert", state=app.card_states))
    yield app
    cards.registry.unregister("toy_alert")


@pytest.mark.django_db(transaction=True)
async def test_an_alert_appears_in_its_room_and_its_card_changes_when_it_is_over(
    connect: Any, live_team: Team, alerts: ToyAlerts
) -> None:
    def check() -> channels.Target:
        me = live_team.as_(live_team.alice)
        return channels.get("room").check(me, {"room": "ops"})

    target = await threads.call(check)
    bob = await connect("/ws/chat/", user=live_team.bob)
    await bob.command("subscribe", rooms=["ops"])
    await threads.call(alerts.fire, "7", target)
    said = await bob.event("chat_message")
    assert (said["user_id"], said["username"], said["system"]) == (0, "Pitwall", True)
    assert said["message"] == "**Warning:** **Alert 7**"
    assert said["card"]["state"] == {"state": "firing"}
    reference = {name: said["card"][name] for name in ("kind", "reference")}
    watched = await bob.command("watch_cards", cards=[reference])
    assert watched["cards"][0]["state"] == {"state": "firing"}
    await threads.call(alerts.resolve, "7")
    update = await bob.event("card_update")
    assert {name: update[name] for name in ("kind", "reference", "state")} == {
        **reference,
        "state": {"state": "ok"},
    }


@pytest.mark.django_db(transaction=True)
async def test_a_card_that_one_may_not_see_does_not_change_for_one(
    connect: Any, live_team: Team, alerts: ToyAlerts
) -> None:
    def another() -> Any:
        return make_member(make_workspace("elsewhere"))

    stranger = await connect("/ws/chat/", user=await threads.call(another))
    watched = await stranger.command("watch_cards", cards=[{"kind": "toy_alert", "reference": "9"}])
    assert watched["cards"][0]["state"] is None
    await threads.call(alerts.resolve, "9")
    await stranger.command("ping")
    assert "card_update" not in [frame["type"] for frame in stranger.frames]


# --- System messages --------------------------------------------------------------------------


def test_all_of_the_message_is_in_the_text(team: Team) -> None:
    send(team)
    said = newest(team)
    assert said.message == (
        "**Critical:** **Brakes are hot**\n\nfront left: 940 °C\n\n[Open](</dashboards/?a=1>)"
    )
    assert '<a href="/dashboards/?a=1"' in said.html
    assert (said.user_id, said.username, said.system) == (0, "Pitwall", True)


def test_a_text_of_any_length_fits_and_a_title_is_one_line(team: Team) -> None:
    send(team, ChannelMessage(title="a\nb", text="x" * 20_000, link="/y"))
    said = newest(team)
    assert said.message.startswith("**a b**\n\nxxx")
    assert said.message.endswith("x…\n\n[Open](</y>)")


def test_it_counts_as_unread_and_followers_are_told(team: Team) -> None:
    services.set_notification_level(principal=team.as_(team.bob), room="ops", level="all")
    send(team)
    for person in (team.alice, team.bob):
        summary = selectors.room_summary(team.as_(person), "ops")
        assert (summary.unread, summary.mentions) == (1, 0)
        assert summary.last_message is not None
        assert summary.last_message.username == "Pitwall"
    assert Notification.objects.get(kind="room_message").title == "Pitwall wrote in Ops"
    services.mark_read(principal=team.as_(team.bob), room="ops", sequence=1)
    assert selectors.room_summary(team.as_(team.bob), "ops").unread == 0
    assert not Notification.objects.filter(kind="room_message", read_at=None).exists()


def test_names_in_it_call_nobody(team: Team) -> None:
    send(team, ChannelMessage(title="@bob @all", text="@alice"))
    assert newest(team).mentions == []
    assert not Notification.objects.filter(kind="mention").exists()


def test_it_takes_its_place_among_what_people_say(team: Team) -> None:
    team.say(team.alice, team.ops, "one")
    send(team)
    answered = Message.objects.get(author=None)
    team.say(team.bob, team.ops, "on it", reply_to=answered.pk)
    services.set_reaction(principal=team.as_(team.bob), message_id=answered.pk, emoji="👍", on=True)
    services.set_pin(principal=team.as_(team.alice), message_id=answered.pk, on=True)
    found = selectors.history(team.as_(team.bob), "ops", limit=5)
    assert [view.sequence for view in found.data] == [1, 2, 3]
    assert found.data[2].reply.username == "Pitwall"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("brakes", 1),
        ("from:pitwall", 1),
        ("from:alice", 1),
        ("-from:alice", 1),
        ("-from:Pitwall", 1),
        ("from:alice from:pitwall", 2),
        ("is:mine", 1),
        ("-is:mine", 1),
    ],
)
def test_it_is_found_by_what_it_says_and_by_whose_it_is(team: Team, query: str, found: int) -> None:
    team.say(team.alice, team.ops, "hello")
    send(team)
    asked = queries.parse(query, timezone.now())
    hits = selectors.search_messages(team.as_(team.alice), asked, limit=10)
    assert len(hits.hits) == found


def test_moderators_delete_it_and_nobody_edits_it(team: Team) -> None:
    send(team)
    message_id = newest(team).message_id
    with pytest.raises(PermissionDenied):
        services.delete_message(principal=team.as_(team.bob), message_id=message_id)
    with pytest.raises(PermissionDenied):
        services.edit_message(principal=team.as_(team.alice), message_id=message_id, text="no")
    services.delete_message(principal=team.as_(team.alice), message_id=message_id)
    assert newest(team).deleted
    entry = AuditEntry.objects.get(action="delete_message")
    assert (entry.details["author_id"], entry.details["author"]) == (None, "Pitwall")


def test_it_goes_with_the_rooms_retention(team: Team) -> None:
    send(team)
    assert services.expire_messages(room_id=team.ops.pk, before=timezone.now()) == 1
    room = Room.objects.get(pk=team.ops.pk)
    services.remove_expired(room=room)
    assert not Message.objects.exists()


# --- Destinations -----------------------------------------------------------------------------


@pytest.mark.parametrize("room", ["no-such", "gone", "direct"])
def test_a_room_that_is_no_place_for_it_is_not_found(team: Team, room: str) -> None:
    slug = room
    if room == "gone":
        services.delete_room(principal=team.as_(team.alice), room=team.room("Gone").slug)
    if room == "direct":
        slug = services.open_direct_room(principal=team.as_(team.alice), user_id=team.bob.pk).slug
    with pytest.raises(NotFound):
        send(team, room=slug)
    assert not Message.objects.exists()


def test_a_room_of_another_workspace_is_not_found(team: Team) -> None:
    with pytest.raises(NotFound):
        send_to_channel(
            workspace_id=team.workspace.pk + 1,
            channel="room",
            target={"room": "ops"},
            message=FIRING,
        )


def test_an_archived_room_takes_none_and_the_change_can_go_on_without(team: Team) -> None:
    services.archive_room(principal=team.as_(team.alice), room="ops")
    with unit_of_work():
        with pytest.raises(Conflict):
            send(team)
        team.say(team.alice, team.general, "it went on")
    assert Message.objects.get().text == "it went on"


class Crash(Exception):
    """The change that the message reports fails."""


def test_what_is_rolled_back_was_never_said(team: Team) -> None:
    @unit_of_work
    def change() -> None:
        send(team)
        raise Crash

    with pytest.raises(Crash):
        change()
    assert not Message.objects.exists()
    send(team)
    assert newest(team).sequence == 1


def test_a_room_is_chosen_by_somebody_who_may_write_there(team: Team) -> None:
    channel = channels.get("room")
    assert channel.check(team.as_(team.bob), {"room": "ops"}) == {"room": "ops"}
    assert channel.check(team.as_(team.carol), {"room": "general"}) == {"room": "general"}
    direct = services.open_direct_room(principal=team.as_(team.alice), user_id=team.bob.pk)
    viewer = team.person("vera", Role.VIEWER)
    refused: list[tuple[Any, dict[str, Any], str]] = [
        (team.carol, {"room": "ops"}, "There is no such room."),
        (team.alice, {"room": "no-such"}, "There is no such room."),
        (viewer, {"room": "general"}, "does not allow"),
        (team.alice, {"room": direct.slug}, "two people"),
        (team.alice, {"room": 7}, "by its slug"),
        (team.alice, {}, "by its slug"),
    ]
    for person, target, reason in refused:
        with pytest.raises(InvalidCommand) as error:
            channel.check(team.as_(person), target)
        assert reason in (error.value.errors or {})["room"][0]


def test_a_setting_that_is_unknown_is_named(team: Team) -> None:
    with pytest.raises(InvalidCommand) as error:
        channels.get("room").check(team.as_(team.bob), {"room": "ops", "colour": "red"})
    assert list(error.value.errors or {}) == ["colour"]


def test_what_the_sender_did_wrong_is_said_before_anything_is_sent(team: Team) -> None:
    with pytest.raises(NotFound, match="carrier-pigeon"):
        send_to_channel(
            workspace_id=team.workspace.pk, channel="carrier-pigeon", target={}, message=FIRING
        )
    with pytest.raises(AppError, match="link"):
        send(team, ChannelMessage(title="x", link="javascript:alert(1)"))
    with pytest.raises(ValueError, match="severity"):
        send(team, ChannelMessage(title="x", severity="loud"))
    with pytest.raises(ValueError, match="title"):
        ChannelMessage(title=" ")
    with pytest.raises(ValueError, match="card"):
        Card("toy_alert", "x" * 201, {})
    assert not Message.objects.exists()
