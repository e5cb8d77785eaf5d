"""Durable logs: append, replay, positions.

A log's offsets are contiguous from 1 within its epoch, and are assigned in the transaction of the
change that the event reports. Rows are locked in the order of their keys, as the last step before
the commit (realtime.streams.unit_of_work), so two services never deadlock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import NamedTuple

from django.db.models import Q

from realtime.database.bulk import set_numbers
from realtime.models import LoggedEvent, Stream

REPLAY_BATCH = 100


class Entry(NamedTuple):
    """An entry to append: the JSON object of an event without the envelope, and what it quotes."""

    payload: str
    subject: int | None = None


# An entry, a payload that quotes nothing, or a function that makes an entry once the stream is
# locked.
Payload = str | Entry | Callable[[], Entry]


@dataclass(frozen=True, order=True, slots=True)
class StreamKey:
    """A stream's full name: workspace, name on the wire, and user for a stream of one user's own.

    `name` is what clients see ("alerts", "room:ops"); `user_id` is 0 for the whole workspace.
    """

    workspace_id: int
    name: str
    user_id: int = 0


@dataclass(frozen=True, slots=True)
class Appended:
    """A stored event with its position; `payload` is its JSON object without the envelope."""

    key: StreamKey
    epoch: str
    offset: int
    payload: str


@dataclass(frozen=True, slots=True)
class Extent:
    """The part of a stream that exists: events with floor < offset ≤ head of this epoch."""

    epoch: str
    head: int
    floor: int


def append(pending: Sequence[tuple[StreamKey, Payload]]) -> list[Appended]:
    """Assign an offset to each (key, payload) and store it. Call last in a transaction."""
    by_key: dict[StreamKey, list[Payload]] = defaultdict(list)
    for key, payload in pending:
        by_key[key].append(payload)
    streams = _locked(sorted(by_key))
    appended, rows = [], []
    for stream in streams:
        key = StreamKey(stream.workspace_id, stream.name, stream.user_id)
        for made in by_key[key]:
            payload, subject = _entry(made)
            stream.head += 1
            appended.append(Appended(key, stream.epoch, stream.head, payload))
            rows.append(
                LoggedEvent(stream=stream, offset=stream.head, payload=payload, subject=subject)
            )
    set_numbers(Stream, "head", {stream.pk: stream.head for stream in streams})
    LoggedEvent.objects.bulk_create(rows)
    return appended


def extents(keys: Iterable[StreamKey]) -> dict[StreamKey, Extent]:
    """Return the extent of each of these streams, in one query; creates those never written to."""
    wanted = set(keys)
    if not wanted:
        return {}
    found = _rows(wanted)
    if missing := wanted - found.keys():
        Stream.objects.bulk_create(map(_new_row, missing), ignore_conflicts=True)
        found |= _rows(missing)
    return {key: Extent(row.epoch, row.head, row.floor) for key, row in found.items()}


def replay(key: StreamKey, epoch: str, after: int, limit: int = REPLAY_BATCH) -> list[Appended]:
    """Return up to `limit` events of that epoch with an offset above `after`, oldest first."""
    rows = (
        LoggedEvent.objects.filter(
            stream__workspace_id=key.workspace_id,
            stream__user_id=key.user_id,
            stream__name=key.name,
            stream__epoch=epoch,
            offset__gt=after,
        )
        .order_by("offset")
        .values_list("offset", "payload")[:limit]
    )
    return [Appended(key, epoch, offset, payload) for offset, payload in rows]


def rewrite(
    keys: Iterable[StreamKey], subjects: Collection[int], change: Callable[[str], str]
) -> None:
    """Rewrite, in place, the events of these streams that quote one of `subjects`.

    Call in a unit of work that emits a retraction to each of the streams (streams.retractions):
    processes hold the newest events in memory too.
    """
    events = LoggedEvent.objects.filter(stream__in=list(_rows(keys).values()), subject__in=subjects)
    changed = list(events)
    for event in changed:
        event.payload = change(event.payload)
    LoggedEvent.objects.bulk_update(changed, ["payload"], batch_size=REPLAY_BATCH)


def delete_streams(*, workspace_id: int | None = None, user_id: int | None = None) -> None:
    """Delete the streams of a workspace, or of a user in all workspaces, with their events.

    Raises:
        ValueError: not exactly one of the two was given.
    """
    given = {"workspace_id": workspace_id, "user_id": user_id}
    of = {name: value for name, value in given.items() if value is not None}
    if len(of) != 1:
        raise ValueError("Give either a workspace or a user.")
    Stream.objects.filter(**of).delete()


def _entry(made: Payload) -> Entry:
    if isinstance(made, str):
        return Entry(made)
    return made if isinstance(made, Entry) else made()


def _locked(keys: Sequence[StreamKey]) -> list[Stream]:
    """Return the rows of these streams, locked in the order of their keys; creates missing ones.

    They are created before any is locked: creating a row waits for another transaction that is
    creating it, so we must not hold a lock that this transaction needs next.
    """
    _make_missing([key for key in keys if key not in _seen])
    query = Stream.objects.select_for_update().filter(_any_of(keys))
    ordered = query.order_by("workspace_id", "name", "user_id")
    streams = list(ordered)
    if len(streams) < len(keys):
        # A stream that was seen is gone: its workspace or user was deleted.
        _seen.difference_update(keys)
        Stream.objects.bulk_create(map(_new_row, keys), ignore_conflicts=True)
        streams = list(ordered.all())
    return streams


# Streams that this process has seen in the database and need not look for again.
_seen: set[StreamKey] = set()
MOST_SEEN = 100_000


def _make_missing(keys: Sequence[StreamKey]) -> None:
    if not keys:
        return
    found = _rows(keys).keys()
    if missing := [key for key in keys if key not in found]:
        Stream.objects.bulk_create(map(_new_row, missing), ignore_conflicts=True)
    if len(_seen) > MOST_SEEN:
        _seen.clear()
    _seen.update(found)


def _rows(keys: Iterable[StreamKey]) -> dict[StreamKey, Stream]:
    return {
        StreamKey(row.workspace_id, row.name, row.user_id): row
        for row in Stream.objects.filter(_any_of(keys))
    }


def _any_of(keys: Iterable[StreamKey]) -> Q:
    """Return a short condition, for many rooms of a workspace or one stream of many users."""
    by_user: dict[tuple[int, int], list[str]] = defaultdict(list)
    by_name: dict[tuple[int, str], list[int]] = defaultdict(list)
    for key in keys:
        by_user[key.workspace_id, key.user_id].append(key.name)
        by_name[key.workspace_id, key.name].append(key.user_id)
    if len(by_user) <= len(by_name):
        parts = [Q(workspace_id=w, user_id=u, name__in=n) for (w, u), n in by_user.items()]
    else:
        parts = [Q(workspace_id=w, name=n, user_id__in=u) for (w, n), u in by_name.items()]
    return reduce(or_, parts)


def _new_row(key: StreamKey) -> Stream:
    return Stream(workspace_id=key.workspace_id, name=key.name, user_id=key.user_id)
