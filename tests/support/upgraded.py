"""Prints an upgraded installation's old data as JSON, for tests/test_upgrade.py.

    python -m tests.support.upgraded

All requests are alice's, with the API token from before the upgrade. They use REST endpoints where
possible, because these are guaranteed, and otherwise the selector that a socket's consumer uses.
"""

import json
import os
from io import StringIO
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_project.settings")

import django

django.setup()

import msgspec
from django.core.management import call_command
from django.db.models import Max, Min
from django.test import Client

from accounts.models import User
from accounts.selectors import principal_of
from chat import selectors as chat
from chat.streams import keys as chat_streams
from dashboard.models import Sample
from realtime.models import Lease, Presence
from realtime.protocol import Position
from realtime.streams import log
from tests.support.schema_fixture import API_TOKEN, PASSWORD

ROOM = "garage"


def main() -> None:
    alice = principal_of(User.objects.get(username="alice"))
    times = Sample.objects.aggregate(start=Min("at"), end=Max("at"))
    start, end = times["start"] / 1e6 - 1, times["end"] / 1e6 + 1
    history = f"?start={start}&end={end}&points=1000"
    stream = chat_streams.room(alice.workspace_id, ROOM)
    extent = log.extents([stream])[stream]
    seen = chat.overviews(alice, [ROOM])[ROOM]
    snapshot = chat.snapshot(alice, seen, Position(epoch=extent.epoch, offset=extent.head))
    planned = StringIO()
    call_command("makemigrations", dry_run=True, stdout=planned)
    found = {
        "makemigrations": planned.getvalue().strip(),
        "passwords": {user.username: user.check_password(PASSWORD) for user in User.objects.all()},
        "snapshot": msgspec.to_builtins(snapshot),
        "stream": {"floor": extent.floor, "head": extent.head},
        "replay": [
            {"offset": event.offset, **json.loads(event.payload)}
            for event in log.replay(stream, extent.epoch, extent.floor)
        ],
        "presence": list(Presence.objects.values_list("scope", flat=True)),
        "leases": list(Lease.objects.values_list("name", "epoch")),
        "revisions": get(f"messages/{snapshot.data[1].message_id}/revisions/"),
        "search": get("search/messages/?q=tyre"),
        "notifications": get("notifications/"),
        "pushed": get(f'metrics/lap_time/history/{history}&tags={{"car":"44"}}'),
        "collected": get(f"metrics/cpu_usage/history/{history}"),
    }
    print(json.dumps(found))


def get(path: str) -> Any:
    answer = Client().get(
        f"/api/v1/{path}", HTTP_AUTHORIZATION=f"Bearer {API_TOKEN}", HTTP_HOST="127.0.0.1"
    )
    assert answer.status_code == 200, (path, answer.content)
    return answer.json()


if __name__ == "__main__":
    main()
