"""Message search. The query covers only rooms that the user may read."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import BooleanField, Exists, F, Max, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from accounts.folding import fold, fold_for_search
from accounts.models import User
from chat.models import Attachment, Mention, Message, Pin, Room
from chat.protocol import SYSTEM_NAME, MessageView
from chat.search import index
from chat.search.excerpts import Excerpt, excerpt
from chat.search.queries import Query
from chat.selectors.messages import views_in
from chat.selectors.rooms import readable_rooms
from realtime.auth import Principal

_LINK = Q(search_text__contains="http://") | Q(search_text__contains="https://")


@dataclass(frozen=True)
class Hit:
    """A message that was found, and the excerpt that matches the query."""

    message: MessageView
    excerpt: Excerpt


@dataclass(frozen=True)
class Hits:
    """A page of hits, newest first. `cursor`: the start of the next page; None: no more."""

    hits: list[Hit]
    cursor: int | None


def search_messages(
    principal: Principal, query: Query, *, cursor: int | None = None, limit: int
) -> Hits:
    """Return the newest `limit` messages that match `query`, in rooms that the user may read.

    A room or user that does not exist finds nothing, as does one that the user may not know of.
    """
    if query == Query():  # half typed
        return Hits([], None)
    found = _newest(_Search(principal, query), cursor, limit + 1)
    more = len(found) > limit
    # Search for ids alone, then read the rows: the database need not carry texts while searching.
    shown = Message.objects.filter(pk__in=found[:limit], deleted_at=None)
    page = list(shown.select_related("room", "author").order_by("-pk"))
    views = views_in(page, {row.room_id: row.room for row in page})
    hits = [
        Hit(view, excerpt(row.text, query.words)) for row, view in zip(page, views, strict=True)
    ]
    hits.sort(key=lambda hit: not _is_exact(hit.excerpt, query))
    return Hits(hits, found[limit - 1] if more else None)


def _is_exact(found: Excerpt, query: Query) -> bool:
    """Return whether an excerpt has the words with the accents that were typed."""
    if query.exact == query.words and found.text.isascii():
        return True
    said = {fold(found.text[start:end]) for start, end in found.ranges}
    return all(any(word in each for each in said) for word in query.exact)


class _Search:
    """A query in the rooms that a user may read. `size`: the number of messages in them."""

    def __init__(self, principal: Principal, query: Query) -> None:
        rooms = readable_rooms(principal)
        if query.rooms:
            rooms = rooms.filter(pk__in=_named(rooms, query.rooms))
        if query.not_rooms:
            rooms = rooms.exclude(pk__in=_named(rooms, query.not_rooms))
        self.words = query.words
        # True if the query has more than words.
        self.filtered = query != Query(words=query.words, without=query.without)
        self._principal = principal
        self._query = query
        # By id: the planner has statistics on how many messages each room id has.
        lengths = F("head_sequence") - F("floor_sequence")
        self._rooms = rooms.order_by()
        sizes = dict(self._rooms.values_list("pk", lengths))
        self.size = sum(sizes.values())
        self._ids = list(sizes)

    def by_reading(self) -> QuerySet[Message]:
        """Return the matches, found by comparing text after text."""
        return _with_words(self._without_words(), self.words)

    def by_index(self) -> QuerySet[Message]:
        """Return the matches, found by the search indexes (PostgreSQL)."""
        rows = self._without_words()
        for word in self.words:
            sql, parameters = index.condition(word)
            rows = rows.filter(_sql(sql, parameters))
        return rows

    def _without_words(self) -> QuerySet[Message]:
        if connection.vendor == "postgresql":
            rows = Message.objects.filter(
                room__in=self._ids, sequence__gt=F("room__floor_sequence")
            )
        else:
            # A condition on each message, so that SQLite scans the newest first and stops when it
            # has enough, instead of sorting all messages of these rooms.
            home = Q(pk=OuterRef("room_id"), floor_sequence__lt=OuterRef("sequence"))
            rows = Message.objects.filter(Exists(self._rooms.filter(home)))
        rows = rows.filter(deleted_at=None)
        for word in self._query.without:
            rows = rows.exclude(_read(word))
        return _filtered(rows, self._query, self._principal)


def _named(rooms: QuerySet[Room], names: Sequence[str]) -> list[int]:
    """Return the ids of those of the rooms that have one of these slugs or names."""
    wanted = {fold_for_search(name) for name in names}
    listed = rooms.order_by().values_list("pk", "slug", "name")
    return [
        pk
        for pk, slug, name in listed
        if slug in names or slug in wanted or (name and fold_for_search(name) in wanted)
    ]


def _newest(asked: _Search, cursor: int | None, count: int) -> list[int]:
    """Return the ids of the newest `count` matches, below `cursor`.

    PostgreSQL cannot know whether a word is in every third message or in none, and a wrong guess
    costs seconds. So the newest messages are scanned first, which finds frequent words. Rare ones
    are found by index, which leaves few matches to sort.
    """
    rows = asked.by_reading()
    if cursor is not None:
        rows = rows.filter(pk__lt=cursor)
    if connection.vendor != "postgresql" or not asked.words:
        return _ids(rows.order_by("-pk"), count)
    if asked.size <= READ_FIRST:
        return _ids(rows.order_by(_UNORDERED.desc()), count)
    newest = Message.objects.aggregate(newest=Max("pk"))["newest"] or 0
    start = min(newest, cursor - 1 if cursor is not None else newest) - READ_FIRST
    found = _ids(rows.filter(pk__gt=start).order_by("-pk"), count)
    missing = count - len(found)
    if missing and start > 0 and asked.filtered and _are_frequent(asked.words, start):
        # The filters, not the words, leave few: sorting all messages with the words is slowest.
        return found + _ids(rows.filter(pk__lte=start).order_by("-pk"), missing)
    if missing and start > 0:
        found += _by_index(asked.by_index().filter(pk__lte=start), missing)
    return found


def _are_frequent(words: Sequence[str], start: int) -> bool:
    """Return whether one in a hundred of the messages after `start` has all of the words."""
    newest = _with_words(Message.objects.filter(pk__gt=start), words).order_by("-pk")
    enough = max(1, READ_FIRST // 100)
    return len(_ids(newest, enough)) == enough


def _by_index(rows: QuerySet[Message], count: int) -> list[int]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            # The results of two indexes are combined by row, rather than by page, only if they fit
            # into memory.
            cursor.execute("SET LOCAL work_mem = '64MB'")
        return _ids(rows.order_by(_UNORDERED.desc()), count)


def _with_words(rows: QuerySet[Message], words: Sequence[str]) -> QuerySet[Message]:
    for word in words:
        rows = rows.filter(_read(word))
    return rows


# Messages to scan one by one, which takes some tens of milliseconds.
READ_FIRST = 50_000
# The order of ids, as an expression that no index has: PostgreSQL sorts the matches, instead of
# walking the primary key and ignoring the other indexes.
_UNORDERED = F("pk") + Value(0)


def _ids(rows: QuerySet[Message], count: int) -> list[int]:
    return list(rows.values_list("pk", flat=True)[:count])


def _filtered(rows: QuerySet[Message], query: Query, principal: Principal) -> QuerySet[Message]:
    if query.names:
        rows = rows.filter(_written_by(principal, query.names))
    if query.not_names:
        rows = rows.exclude(_written_by(principal, query.not_names))
    if query.since is not None:
        rows = rows.filter(created_at__gte=query.since)
    if query.until is not None:
        rows = rows.filter(created_at__lt=query.until)
    conditions = _conditions(principal)
    for key in (*query.has, *query.is_):
        rows = rows.filter(conditions[key])
    for key in (*query.has_not, *query.is_not):
        rows = rows.exclude(conditions[key])
    return rows


def _conditions(principal: Principal) -> dict[str, Any]:
    def hangs_on(rows: QuerySet[Any]) -> Exists:
        return Exists(rows.filter(message_id=OuterRef("pk")))

    return {
        "file": hangs_on(Attachment.objects.all()),
        "image": hangs_on(Attachment.objects.filter(width__isnull=False)),
        "link": _LINK,
        "mention": hangs_on(Mention.objects.filter(by_name=True)) | Q(mentions_all=True),
        "pinned": hangs_on(Pin.objects.all()),
        "edited": Q(edited_at__isnull=False),
        "reply": Q(reply_to__isnull=False),
        "mine": Q(author_id=principal.user_id),
    }


def _written_by(principal: Principal, names: Sequence[str]) -> Q:
    """Match messages by users of these names, and by Pitwall itself under its name."""
    wanted = {fold(name) for name in names}
    people = list(User.objects.filter(folded__in=wanted).values_list("pk", "folded"))
    others = wanted - {folded for _, folded in people}
    ids = [pk for pk, _ in people]
    if others:
        ids += _people_alike(principal, {fold_for_search(name) for name in others})
    by_people = Q(author_id__in=ids)
    return by_people | Q(author_id=None) if fold(SYSTEM_NAME) in wanted else by_people


def _people_alike(principal: Principal, wanted: Collection[str]) -> list[int]:
    """Return the ids of the workspace's users whose username or real name is like one of these."""
    people = User.objects.filter(memberships__workspace_id=principal.workspace_id)
    listed = people.values_list("pk", "username", "first_name", "last_name")
    return [
        pk
        for pk, username, first, last in listed
        if not {
            fold_for_search(name) for name in (username, first, last, f"{first} {last}")
        }.isdisjoint(wanted)
    ]


def _read(word: str) -> Any:
    """Match texts with the folded `word`; one or two of [a-z0-9] match as a whole word only."""
    whole = rf"(^|[^a-z0-9]){re.escape(word)}([^a-z0-9]|$)"
    if connection.vendor != "postgresql":
        # Exact, and quicker than LIKE: that compares letter by letter, for many words at length.
        there = GreaterThan(StrIndex(F("search_text"), Value(word)), 0)
        return Q(there) & Q(search_text__regex=whole) if index.is_short_word(word) else Q(there)
    if index.is_short_word(word):
        return _sql("(strpos(search_text, %s) > 0 AND search_text ~ %s)", [word, whole])
    return _sql("strpos(search_text, %s) > 0", [word])


def _sql(condition: str, parameters: list[Any]) -> RawSQL:
    column = '"chat_message"."search_text"'
    return RawSQL(
        condition.replace("search_text)", f"{column})")
        .replace("search_text,", f"{column},")
        .replace("search_text ", f"{column} "),
        parameters,
        output_field=BooleanField(),
    )
