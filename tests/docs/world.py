"""The installation in which the examples of the pages play, and what happens in it meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Role
from accounts.selectors import principal_of
from accounts.services import create_token, update_profile
from chat import services as chat
from chat.models import Room
from dashboard import services as dashboard
from dashboard.models import Metric
from dashboard.services import storage
from notifications import services as notifications
from notifications.models import Announcement
from realtime.auth import Principal
from tests.support.metrics import SECOND, make_metric, make_series, now_us
from tests.support.people import make_member, make_workspace


class World:
    """The workspace `pit`: alice, bob, carol and the admin chief, three rooms, three metrics."""

    def __init__(self) -> None:
        self.workspace = make_workspace("pit", name="Pit wall")
        self.people = {
            name: make_member(self.workspace, role, name, first_name=name.title())
            for name, role in (
                ("alice", Role.MEMBER), ("bob", Role.MEMBER), ("carol", Role.MEMBER),
                ("chief", Role.ADMIN),
            )
        }  # fmt: skip
        self.token = create_token(
            user_id=self.people["alice"].pk, workspace_id=self.workspace.pk, name="examples"
        )[1]
        self._make_rooms()
        self._make_metrics()

    def _make_rooms(self) -> None:
        self._room("alice", "General", "public", "bob")
        self._room("alice", "Ops", "private", "bob")
        self._room("carol", "Paddock", "public")
        for text in ("Good morning", "Rain from lap 20", "Track is dry"):
            self.say("bob", "general", text)
        self.say("bob", "ops", "Box in 3 laps")

    def _make_metrics(self) -> None:
        groups = {"cpu_usage": "system", "oil_temperature": "custom", "tyre_pressure": "custom"}
        units = {"cpu_usage": "%", "oil_temperature": "°C", "tyre_pressure": "bar"}
        self.series = {
            name: make_series(
                make_metric(self.workspace, name, group=group, unit=units[name]),
                {"car": "44"} if name == "tyre_pressure" else {},
            )
            for name, group in groups.items()
        }
        now = now_us()
        for seconds in (90, 60, 30):
            self.tick(now - seconds * SECOND, cpu_usage=12.5, oil_temperature=96.4)

    def _room(self, owner: str, name: str, kind: str, *others: str) -> None:
        by, slug = self.as_(owner), name.lower()
        chat.create_room(principal=by, name=name, slug=slug, kind=kind)
        for other in others:
            chat.add_member(principal=by, room=slug, user_id=self.people[other].pk)

    def as_(self, name: str) -> Principal:
        return principal_of(self.people[name], "pit")

    def say(self, name: str, room: str, text: str) -> int:
        sent = chat.send_message(principal=self.as_(name), room=room, text=text)
        self.last_message = sent.message_id
        return sent.message_id

    def tick(self, at: int | None = None, **values: float) -> None:
        storage.write(
            workspace_id=self.workspace.pk,
            readings=[
                storage.Reading(self.series[name].pk, at or now_us(), value)
                for name, value in values.items()
            ],
        )

    # --- Steps that pages name ----------------------------------------------------------------

    def cpu_ticks(self) -> None:
        self.tick(cpu_usage=13.1, oil_temperature=96.6)

    def tyres_tick(self) -> None:
        self.tick(tyre_pressure=1.92)

    def a_metric_is_created(self) -> None:
        dashboard.save_metric(metric=Metric(workspace=self.workspace, name="lap_time", unit="s"))

    def a_metric_is_changed(self) -> None:
        metric = Metric.objects.get(name="lap_time")
        metric.title, metric.decimals = "Lap time", 3
        dashboard.save_metric(metric=metric)

    def a_metric_is_deleted(self) -> None:
        dashboard.delete_metrics(metrics=Metric.objects.filter(name="lap_time"))

    def bob_writes(self) -> None:
        self.say("bob", "ops", "Box this lap")

    def bob_writes_more(self) -> None:
        self.say("bob", "ops", "Box, box")

    def two_reactions(self) -> None:
        message = self.say("bob", "general", "Ready")
        for name in ("alice", "bob"):
            chat.set_reaction(principal=self.as_(name), message_id=message, emoji="👍", on=True)

    def messages_expire(self) -> None:
        room = Room.objects.get(slug="ops")
        chat.expire_messages(room_id=room.pk, before=timezone.now())

    def carol_is_added(self) -> None:
        carol = self.people["carol"]
        chat.add_member(principal=self.as_("alice"), room="ops", user_id=carol.pk)

    def carol_is_muted(self) -> None:
        until = timezone.now() + timedelta(hours=1)
        carol = self.people["carol"]
        chat.mute_member(principal=self.as_("alice"), room="ops", user_id=carol.pk, until=until)

    def carol_leaves(self) -> None:
        chat.leave_room(principal=self.as_("carol"), room="ops")

    def bob_gets_another_name(self) -> None:
        update_profile(user=self.people["bob"], first_name="Robert", last_name="Tables", email="")

    def the_topic_changes(self) -> None:
        chat.update_room(principal=self.as_("alice"), room="ops", topic="Race control")

    def the_room_is_deleted(self) -> None:
        chat.delete_room(principal=self.as_("alice"), room="ops")

    def bob_pushes_a_message(self) -> None:
        notifications.push_message(
            principal=self.as_("bob"), user_id=self.people["alice"].pk, message="Look at lap 12"
        )

    def an_announcement(self) -> None:
        notifications.announce(
            announcement=Announcement(
                message="Maintenance at 22:00 UTC", severity="warning", keep=False
            )
        )

    def a_notification(self) -> None:
        self._notify("Backup finished", "4.2 GB in 38 s", "info")

    def another_notification(self) -> None:
        self._notify("Disk almost full", "/var: 92 %", "warning")

    def bob_mentions_alice(self) -> None:
        self.say("bob", "ops", "@alice box this lap")

    def bob_deletes_it(self) -> None:
        chat.delete_message(principal=self.as_("bob"), message_id=self.last_message)

    def _notify(self, title: str, message: str, severity: Any) -> None:
        notifications.send(
            principal=self.as_("chief"),
            user_id=self.people["alice"].pk,
            title=title,
            message=message,
            severity=severity,
            link="/dashboards/",
        )
