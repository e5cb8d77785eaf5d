"""The rows of inboxes: many in one statement, in the fastest way for each database."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from realtime.models import InboxEntry, Lease
from realtime.workers.leases import HeldLease

_TABLE = InboxEntry._meta.db_table
_LEASE = Lease._meta.db_table


class NewRow(NamedTuple):
    """A command to insert: `payload` in JSON, `key` and `asker` empty for none."""

    payload: str
    key: str
    asker: str


class KeyedRow(NamedTuple):
    """A command that was put under a key before."""

    id: int
    payload: str


class WaitingRow(NamedTuple):
    """A command that is not settled yet."""

    id: int
    payload: str
    asker: str
    put_at: datetime


class SettledRow(NamedTuple):
    """An entry with its outcome: `outcome` in JSON."""

    id: int
    refused: bool
    outcome: str


def keyed(inbox: str, keys: Collection[str]) -> dict[str, KeyedRow]:
    """Return the entries that were put under these keys."""
    if not keys:
        return {}
    rows = InboxEntry.objects.filter(inbox=inbox, key__in=keys)
    found = rows.values_list("key", "id", "payload")
    return {key: KeyedRow(entry_id, payload) for key, entry_id, payload in found}


def insert(inbox: str, rows: Sequence[NewRow]) -> dict[int, int]:
    """Insert commands in this order.

    Returns the id of each by its place in `rows`; omits those whose key is taken.
    """
    if connection.vendor == "postgresql":
        given = (
            "SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])"
            " WITH ORDINALITY AS g (payload, key, asker, place)"
        )
        parameters: list[Any] = [list(column) for column in zip(*rows, strict=True)]
    else:
        given = (
            "SELECT json_extract(value, '$[0]') AS payload, json_extract(value, '$[1]') AS key,"
            " json_extract(value, '$[2]') AS asker, key AS place FROM json_each(%s)"
        )
        parameters = [json.dumps(rows)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_TABLE} (inbox, payload, key, asker, claimed_by, refused)"
            f" SELECT %s, g.payload, g.key, g.asker, '', false FROM ({given}) AS g"
            " WHERE true ORDER BY g.place"
            " ON CONFLICT (inbox, key) WHERE NOT (key = '') DO NOTHING RETURNING id, key",
            [inbox, *parameters],
        )
        inserted = sorted(cursor.fetchall())
    return _placed(rows, inserted)


def _placed(rows: Sequence[NewRow], inserted: Sequence[tuple[int, str]]) -> dict[int, int]:
    """Map places to ids, which ascend with the places; skips rows whose key was taken."""
    places: dict[int, int] = {}
    given = iter(enumerate(rows))
    for entry_id, key in inserted:
        place = next(place for place, row in given if row.key == key)
        places[place] = entry_id
    return places


def waiting(inbox: str, limit: int) -> list[WaitingRow]:
    """Return the oldest entries that are not settled."""
    # Not "id > the last one": an entry with a lower id may be committed later.
    return _read(InboxEntry.objects.filter(inbox=inbox, done_at__isnull=True), limit)


def claim(inbox: str, limit: int, lease: HeldLease) -> list[WaitingRow]:
    """Claim the oldest entries that are not claimed under a lease that is still held."""
    lock = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH picked (entry_id) AS ("
            f" SELECT e.id FROM {_TABLE} e WHERE e.inbox = %s AND e.done_at IS NULL"
            "  AND (e.claimed_by = '' OR NOT EXISTS ("
            f"   SELECT 1 FROM {_LEASE} l WHERE l.name = e.claimed_by"
            "    AND l.epoch = e.claim_epoch AND l.holder <> ''"
            f"    AND l.expires_at > {_now()}))"
            f" ORDER BY e.id LIMIT %s {lock})"
            f" UPDATE {_TABLE} SET claimed_by = %s, claim_epoch = %s FROM picked"
            " WHERE id = picked.entry_id RETURNING id",
            [inbox, limit, lease.name, lease.epoch],
        )
        claimed = [entry_id for (entry_id,) in cursor.fetchall()]
    return _read(InboxEntry.objects.filter(pk__in=claimed), limit) if claimed else []


def settle(rows: Sequence[SettledRow], lease: HeldLease | None) -> int:
    """Write outcomes; returns how many entries were settled by this call.

    Args:
        lease: settle only the entries that its holder has claimed.
    """
    if connection.vendor == "postgresql":
        given = (
            "SELECT * FROM unnest(%s::bigint[], %s::bool[], %s::text[]) AS g (id, refused, outcome)"
        )
        parameters: list[Any] = [list(column) for column in zip(*rows, strict=True)]
    else:
        given = (
            "SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS refused,"
            " json_extract(value, '$[2]') AS outcome FROM json_each(%s)"
        )
        parameters = [json.dumps(rows)]
    claimed = ""
    if lease is not None:
        claimed = f" AND {_TABLE}.claimed_by = %s AND {_TABLE}.claim_epoch = %s"
        parameters += [lease.name, lease.epoch]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_TABLE} SET refused = given.refused, outcome = given.outcome,"
            f" done_at = {_now()} FROM ({given}) AS given"
            f" WHERE {_TABLE}.id = given.id AND {_TABLE}.done_at IS NULL{claimed}",
            parameters,
        )
        return int(cursor.rowcount)


def _now() -> str:
    """Return the SQL for the current time, for a statement with parameters."""
    if connection.vendor == "postgresql":
        return "now()"
    return "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"


def _read(entries: QuerySet[InboxEntry], limit: int) -> list[WaitingRow]:
    rows = entries.order_by("id").values_list("id", "payload", "asker", "created_at")
    return [WaitingRow(*row) for row in rows[:limit]]
