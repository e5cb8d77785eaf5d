"""Fill an installation with logged-in users: `python -m benchmarks.support.seed 1000`.

Migrates the environment's database, and writes the session cookies to `cookies.txt` in the data
folder: one per line, each of a different user.
"""

from __future__ import annotations

import io
import os
import sys
from datetime import timedelta
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.support.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import (  # noqa: E402
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
)
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.contrib.sessions.models import Session  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.utils.crypto import get_random_string  # noqa: E402

from accounts.models import Membership, Role, User, Workspace  # noqa: E402
from accounts.prepare import WORKSPACE_SLUG  # noqa: E402
from benchmarks.support import mixture  # noqa: E402
from benchmarks.support.pitwall_ticks import READINGS  # noqa: E402
from dashboard.models import Metric  # noqa: E402
from realtime.prepare import prepare  # noqa: E402


def main(count: int) -> None:
    prepare(io.StringIO())
    workspace = Workspace.objects.get(slug=WORKSPACE_SLUG)
    users = User.objects.bulk_create(
        User(username=f"driver{n}", email=f"driver{n}@example.com", password="!")
        for n in range(count)
    )
    Membership.objects.bulk_create(
        Membership(user=user, workspace=workspace, role=Role.MEMBER, is_default=True)
        for user in users
    )
    names = ["q", "t", *(name for _, name, _ in READINGS), *mixture.METRICS]
    Metric.objects.bulk_create(
        (Metric(workspace=workspace, name=name) for name in names), ignore_conflicts=True
    )
    sessions = Session.objects.bulk_create(_session_of(user) for user in users)
    cookies = [f"{settings.SESSION_COOKIE_NAME}={session.session_key}" for session in sessions]
    (Path(settings.DATA_DIR) / "cookies.txt").write_text("\n".join(cookies))


def _session_of(user: User) -> Session:
    contents = {
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[-1],
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }
    return Session(
        session_key=get_random_string(32, "abcdefghijklmnopqrstuvwxyz0123456789"),
        session_data=SessionStore().encode(contents),
        expire_date=timezone.now() + timedelta(days=1),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
