"""Reads many sessions at once: two SQL statements, without model instances.

They are SQL instead of querysets because they run hundreds of times a second when many clients
reconnect: building the query took longer than running it and reading all of its rows.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection
from django.utils import timezone

SESSIONS = """
SELECT session_key, session_data FROM django_session
WHERE session_key IN ({}) AND expire_date > %s
"""

MEMBERSHIPS = """
SELECT m.user_id, u.username, u.is_staff, u.password, u.kept_auth_hash, m.workspace_id, w.slug,
       m.role
FROM accounts_membership m
JOIN accounts_user u ON u.id = m.user_id
JOIN accounts_workspace w ON w.id = m.workspace_id
WHERE m.user_id IN ({}) AND u.is_active
ORDER BY m.is_default DESC, m.id
"""


class MembershipRow(NamedTuple):
    """A membership with the fields that a principal needs.

    `is_staff` is the raw database value: a number on SQLite.
    """

    user_id: int
    username: str
    is_staff: bool | int
    password: str
    kept_auth_hash: str
    workspace_id: int
    workspace: str
    role: str


def session_data(session_keys: Collection[str]) -> list[tuple[str, str]]:
    """Return (key, encoded data) of the given sessions that have not expired."""
    if not session_keys:
        return []
    with connection.cursor() as cursor:
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        cursor.execute(SESSIONS.format(_places(session_keys)), [*session_keys, now])
        rows: list[tuple[str, str]] = cursor.fetchall()
        return rows


def memberships(user_ids: Collection[int]) -> list[MembershipRow]:
    """Return the memberships of the given users who are active, each user's default one first."""
    if not user_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(MEMBERSHIPS.format(_places(user_ids)), [*user_ids])
        return [MembershipRow._make(row) for row in cursor.fetchall()]


def _places(values: Collection[object]) -> str:
    return ",".join(["%s"] * len(values))
