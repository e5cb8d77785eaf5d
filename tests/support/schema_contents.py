"""Fills an installation with objects of every kind, for tests/support/schema_fixture.py.

It runs in the tree of commit 7ee4b5d and is written for that code: it does not follow later
changes. The passwords and FIXTURE_TOKEN come from there.
"""

import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "realtime_project.settings"

import django

django.setup()

import time
from datetime import timedelta

from accounts.bootstrap import WORKSPACE_SLUG, prepare
from dashboard.storage import Reading, write
from django.apps import apps
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from realtime.retention import EventExpiry

from accounts import keys
from accounts import services as accounts
from accounts.models import ApiToken, User, Workspace
from accounts.selectors import principal_of
from chat import services as chat
from chat import uploads
from chat.models import Message, Room
from dashboard import instants
from dashboard import services as dashboard
from dashboard.models import Rollup, Sample, Source
from notifications import services as notifications
from notifications.models import Announcement
from realtime import leases, presence, registry, reporter
from realtime.models import Event, Stream
from tests.support.files import PNG

OURS = ("realtime", "accounts", "notifications", "dashboard", "chat")


def main() -> None:
    prepare(sys.stdout)
    workspace = Workspace.objects.get(slug=WORKSPACE_SLUG)
    people = {name: User.objects.get(username=name) for name in ("admin", "alice", "bob")}
    people["carol"] = User.objects.create_user("carol", "carol@example.com", first_name="Carol")
    accounts.add_member(workspace_id=workspace.pk, user_id=people["carol"].pk, role="viewer")
    accounts.create_workspace(slug="paddock", name="Paddock", owner=people["bob"])
    principals = {name: principal_of(user, WORKSPACE_SLUG) for name, user in people.items()}
    keys_and_sessions(workspace, people["alice"], principals["alice"])
    rooms(principals)
    bells(principals)
    numbers(workspace, principals["admin"])
    processes(workspace, people["alice"])
    empty = [
        model._meta.label
        for app in OURS
        for model in apps.get_app_config(app).get_models()
        if not model.objects.exists()
    ]
    assert not empty, empty


def keys_and_sessions(workspace, alice, principal):
    token, _ = accounts.create_token(user_id=alice.pk, workspace_id=workspace.pk, name="telemetry")
    ApiToken.objects.filter(pk=token.pk).update(hash=keys.digest(os.environ["FIXTURE_TOKEN"]))
    revoked, _ = accounts.create_token(user_id=alice.pk, workspace_id=workspace.pk, name="old")
    accounts.revoke_token(token_id=revoked.pk)
    session = SessionStore()
    session[SESSION_KEY] = str(alice.pk)
    session[BACKEND_SESSION_KEY] = "accounts.backends.UsernameOrEmailBackend"
    session[HASH_SESSION_KEY] = alice.get_session_auth_hash()
    session.create()
    accounts.record_session(
        user_id=alice.pk, session_key=session.session_key, address="192.0.2.7", user_agent="Firefox"
    )
    accounts.issue_ticket(principal=principal)


def rooms(people):
    alice, bob = people["alice"], people["bob"]
    room = chat.create_room(principal=alice, name="Garage", slug="garage", topic="Spanners")
    for name in ("bob", "carol"):
        chat.add_member(principal=alice, room="garage", user_id=people[name].user_id)

    def say(who, text, **fields):
        return chat.send_message(principal=who, room="garage", text=text, **fields).message_id

    say(alice, "gone with the retention")
    chat.expire_messages(room_id=room.pk, before=timezone.now() + timedelta(seconds=1))
    room.refresh_from_db()
    chat.remove_expired(room=room)
    question = say(alice, "Which **tyre**, @bob?", client_message_id="fixture-1")
    answer = say(bob, "The hard one 🏁", reply_to=question)
    chat.edit_message(principal=bob, message_id=answer, text="The medium one 🏁")
    for who in (alice, bob):
        chat.set_reaction(principal=who, message_id=answer, emoji="👍", on=True)
    chat.set_pin(principal=alice, message_id=question, on=True)
    chat.delete_message(principal=alice, message_id=say(bob, "never mind"), reason="off topic")
    incoming = uploads.Incoming()
    incoming.write(PNG)
    picture = chat.store_upload(principal=bob, room="garage", name="tyre.png", incoming=incoming)
    say(bob, "", attachments=[picture.pk])
    say(alice, "@all box box", card=("metric", "cpu_usage"), confirm=True)
    chat.mark_read(principal=bob, room="garage", sequence=3)
    chat.set_notification_level(principal=bob, room="garage", level="all")
    carol = people["carol"].user_id
    until = timezone.now() + timedelta(days=36_500)
    chat.mute_member(principal=alice, room="garage", user_id=carol, until=until)
    chat.create_room(principal=bob, name="Old plans", slug="old-plans", kind="private")
    chat.archive_room(principal=bob, room="old-plans")
    chat.create_room(principal=bob, name="Gone", slug="gone")
    chat.delete_room(principal=bob, room="gone")
    # The garage's stream starts later than its first event: the first events have expired.
    first = Event.objects.filter(stream__name="room:garage", offset__lte=3)
    first.update(created_at=timezone.now() - timedelta(days=30))
    expiry = EventExpiry()
    expiry.begin(None)
    expiry.remove_some(None)


def bells(people):
    admin = people["admin"]
    told = notifications.send(
        principal=admin,
        title="Scrutineering at noon",
        message="Bring the wing",
        severity="warning",
        link="/dashboard/",
        audience="everybody",
    )
    bob = people["bob"]
    mine = [each.pk for each in told if each.user_id == bob.user_id]
    notifications.mark_read(principal=bob, notification_ids=mine)
    notifications.announce(
        announcement=Announcement(message="The track is open", workspace_id=admin.workspace_id)
    )


def numbers(workspace, admin):
    now = int(time.time()) * instants.SECOND
    pushed = {
        number: dashboard.PushedSample(
            metric="lap_time",
            value=80 + number / 8,
            at=now - number * instants.SECOND,
            tags={"car": "44"},
        )
        for number in range(100)
    }
    dashboard.push_samples(principal=admin, samples=pushed, malformed={}, partial=False, now=now)
    source = Source.objects.get(workspace=workspace, kind="host")
    series = dashboard.ensure_series(source_id=source.pk, names=["cpu_usage", "memory_usage"])
    readings = [
        Reading(series_id, now - second * instants.SECOND, float(second % 60))
        for series_id in series.values()
        for second in range(180)
    ]
    write(workspace_id=workspace.pk, readings=readings)
    dashboard.record_runs(succeeded={source.pk: timezone.now()}, failed={})
    assert Sample.objects.exists()
    assert Rollup.objects.exists()


def processes(workspace, alice):
    leases.acquire("collectors", "fixture")
    reporter._write("web", {"connections": 1.0})
    registry._store({"users": f"[[{alice.pk},{workspace.pk}]]"})
    presence.record(presence.Seat(workspace.pk, "room:garage", alice.pk), here=True)
    assert Stream.objects.filter(floor__gt=0).exists()
    assert Message.objects.exclude(room__floor_sequence=0).exists()
    assert Room.objects.exclude(deleted_at=None).exists()


if __name__ == "__main__":
    main()
