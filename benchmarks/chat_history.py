"""Benchmark of a room with a million messages: opening it at any point, and searching it.

    python -m benchmarks.chat_history            # PostgreSQL: of DATABASE_URL, or a private one
    python -m benchmarks.chat_history --smoke    # a few seconds, to see that it still runs

One room with a million messages, and as many again in twenty private rooms that the reader is not
in. Opening: a client's request, `selectors.history` as JSON, against a page by OFFSET. Search:
`selectors.search_messages` as JSON, against ILIKE with the newest first. Uses its own database,
which is removed at the end.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from statistics import median
from typing import Any

from benchmarks.support import command_line
from benchmarks.support.corpus import Corpus
from benchmarks.support.services import backing
from benchmarks.support.tables import table, verdict
from tools.lifetimes import exit_on_signals, tied

OPENING_MS = 50
SEARCHING_MS = 200
OTHER_ROOMS = 20
PAGE = 50
SEED = 1


def main() -> None:
    if "PITWALL_BENCH_HERE" not in os.environ:
        exit_on_signals()
        with backing() as variables, tempfile.TemporaryDirectory() as folder:
            settings = {
                "PITWALL_BENCH_HERE": "1",
                "PITWALL_DATA_DIR": folder,
                "SECRET_KEY": "only-for-this-benchmark",
                "ALLOWED_HOSTS": "127.0.0.1",
                "CSRF_TRUSTED_ORIGINS": "http://127.0.0.1",
                "DJANGO_SETTINGS_MODULE": "realtime_project.settings",
            }
            command = tied([sys.executable, "-m", "benchmarks.chat_history", *sys.argv[1:]])
            done = subprocess.run(command, env={**os.environ, **settings, **variables}, check=False)
        sys.exit(done.returncode)
    smoke = command_line.smoke(__doc__)
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    measure(count=2_000 if smoke else 1_000_000, rounds=2 if smoke else 7)


def measure(*, count: int, rounds: int) -> None:
    """Fill the database, then run the queries."""
    corpus = Corpus(SEED)
    principal, began = fill(corpus, count), time.perf_counter()
    index()
    print(f"\n{2 * count:,} messages, half of them hidden from the reader; ", end="")
    print(f"indexed in {time.perf_counter() - began:.0f} s, {sizes()}\n")
    opening(principal, count, rounds)
    searching(principal, corpus, rounds)


# --- Filling ----------------------------------------------------------------------------------


def fill(corpus: Corpus, count: int) -> Any:
    """Create a workspace with its rooms and messages. Returns the reader of the large room."""
    from accounts import services as accounts
    from accounts.models import User, Workspace
    from accounts.selectors import principal_of
    from chat import services

    workspace = Workspace.objects.create(slug="bench", name="Bench")
    people = [User.objects.create_user(f"driver{n}") for n in range(50)]
    for person in people:
        accounts.add_member(workspace_id=workspace.pk, user_id=person.pk, role="member")
    reader, other = (principal_of(people[n], "bench") for n in (0, 1))
    large = services.create_room(principal=reader, name="Large", slug="large", kind="private")
    hidden = [
        services.create_room(
            principal=other, name=f"Hidden {n}", slug=f"hidden-{n}", kind="private"
        )
        for n in range(OTHER_ROOMS)
    ]
    write(corpus, count, large.pk, [room.pk for room in hidden], [each.pk for each in people])
    return reader


def write(corpus: Corpus, count: int, large: int, hidden: list[int], people: list[int]) -> None:
    """Copy the messages in, alternating between the large room and the others, and related rows."""
    from django.db import connection
    from django.utils import timezone

    from chat.search.excerpts import searchable
    from chat.text import markdown

    columns = "room_id, sequence, author_id, text, html, search_text, mentions_all, created_at, card_kind, card_reference"  # noqa: E501
    pick, texts = random.Random(SEED), corpus.texts(2 * count)
    began = timezone.now() - timedelta(seconds=count)
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX IF EXISTS chat_message_trigrams, chat_message_grams")
        with cursor.copy(f"COPY chat_message ({columns}) FROM STDIN") as copy:
            for number, text in enumerate(texts):
                place, of = divmod(number, 2)
                room = large if of == 0 else hidden[place % OTHER_ROOMS]
                sequence = place + 1 if of == 0 else place // OTHER_ROOMS + 1
                html = markdown.render(text) if number < PAGE else f"<p>{text}</p>\n"
                at, author = began + timedelta(seconds=place), pick.choice(people)
                row = (room, sequence, author, text, html, searchable(text), False, at, "", "")
                copy.write_row(row)
        for statement in HANGING:
            cursor.execute(statement)


HANGING = (
    "UPDATE chat_room SET head_sequence ="
    " (SELECT coalesce(max(sequence), 0) FROM chat_message WHERE room_id = chat_room.id)",
    "INSERT INTO chat_reaction (message_id, user_id, emoji, created_at)"
    " SELECT id, author_id, '👍', now() FROM chat_message WHERE id / 2 % 20 = 0",
    "INSERT INTO chat_mention (message_id, user_id, room_id, sequence, by_name)"
    " SELECT id, author_id, room_id, sequence, true FROM chat_message WHERE id / 2 % 40 = 0",
    "INSERT INTO chat_attachment"
    " (room_id, uploader_id, message_id, name, size, content_type, key, created_at)"
    " SELECT room_id, author_id, id, 'a.txt', 1, 'text/plain', md5(id::text), now()"
    " FROM chat_message WHERE id / 2 % 100 = 0",
)


def index() -> None:
    from django.db import connection

    from chat.search import index

    index.create(connection)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def sizes() -> str:
    """Return the sizes of the table and its two indexes."""
    from django.db import connection

    names = ("chat_message", "chat_message_trigrams", "chat_message_grams")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_size_pretty(pg_relation_size(name::regclass))"
            " FROM unnest(%s::text[]) AS name",
            [list(names)],
        )
        table_size, trigrams, grams = (size for (size,) in cursor.fetchall())
    return f"table {table_size}, trigrams {trigrams}, grams {grams}"


# --- Queries ----------------------------------------------------------------------------------


def opening(principal: Any, count: int, rounds: int) -> None:
    """Measure a page of the large room: the newest, the oldest, and random ones in between."""
    pick = random.Random(SEED)
    anywhere = [pick.randint(1, count) for _ in range(rounds * 20)]
    cases: list[tuple[str, list[dict[str, int]]]] = [
        ("newest", [{}] * rounds),
        ("oldest", [{"after": 0}] * rounds),
        ("in the middle", [{"around": count // 2}] * rounds),
        ("anywhere", [{"around": sequence} for sequence in anywhere]),
        ("scrolling back", [{"before": sequence} for sequence in anywhere]),
    ]
    rows = []
    for name, questions in cases:
        times = sorted(timed(partial(page, principal, **asked)) for asked in questions)
        worst = times[-1]
        rows.append([name, median(times), worst, verdict(worst, at_most=OPENING_MS)])
    naive = timed(partial(page_by_offset, principal, count // 2))
    rows.append(["in the middle, by OFFSET", naive, naive, ""])
    print(table([f"opening, {PAGE} messages", "p50 ms", "worst ms", "target"], rows))
    print()


def page(principal: Any, **asked: int) -> bytes:
    import msgspec

    from chat import selectors

    return msgspec.json.encode(selectors.history(principal, "large", limit=PAGE, **asked))


def page_by_offset(principal: Any, sequence: int) -> int:
    from chat.models import Message

    rows = Message.objects.filter(room__slug="large").order_by("created_at")
    return len(rows.select_related("author")[sequence : sequence + PAGE])


def searching(principal: Any, corpus: Corpus, rounds: int) -> None:
    """Measure frequent and rare words, single characters, absent words, and filters."""
    rows = []
    for name, asked in questions(corpus):
        ask = partial(search, principal, asked)
        hits = ask()
        times = sorted(timed(ask) for _ in range(rounds))
        rows.append(
            [name, hits, median(times), times[-1], verdict(times[-1], at_most=SEARCHING_MS)]
        )
    for name, word in (("rare", corpus.words[-10]), ("absent", "zzqqzz")):
        naive = timed(partial(search_by_ilike, principal, word))
        rows.append([f"{name} word, by ILIKE alone", "", naive, naive, ""])
    print(table(["search, 20 results", "shown", "p50 ms", "worst ms", "target"], rows))


def questions(corpus: Corpus) -> Iterator[tuple[str, str]]:
    words = [word for word in corpus.words if len(word) > 4]
    signs = corpus.characters
    yield "frequent word", words[0]
    yield "medium word", words[len(words) // 40]
    yield "rare word", words[-10]
    yield "absent word", "zzqqzz"
    yield "piece of words", words[200][1:4]
    yield "short word", next(word for word in corpus.words if len(word) == 2)
    yield "absent short word", "qq"
    yield "two words", f"{words[3]} {words[40]}"
    yield "phrase", f'"{words[0]} {words[1]}"'
    yield "frequent character", signs[0]
    yield "medium character", signs[300]
    yield "rare character", signs[-1]
    yield "absent character", "龘"
    yield "two characters", "".join(signs[:2])
    yield "two rarer characters", "".join(signs[40:42])
    yield "two absent characters", "龘龘"
    yield "three characters", "".join(signs[:3])
    yield "word and character", f"{words[0]} {signs[0]}"
    yield "signs only", "c++"
    yield "word, of one person", f"{words[len(words) // 40]} from:driver7"
    yield "all of one person", "from:driver7"
    yield "word, with a file", f"{words[5]} has:file"
    yield "all files", "has:file"
    yield "all links", "has:link"
    yield "all before yesterday", "before:yesterday"
    yield "word before yesterday", f"{words[0]} before:yesterday"
    yield "all but a word", f"-{words[0]} in:large"
    yield "in a hidden room", f"{words[0]} in:hidden-1"
    yield "of nobody", f"{words[0]} from:nobody"


def search(principal: Any, asked: str) -> int:
    import msgspec
    from django.utils import timezone

    from chat import selectors
    from chat.search.queries import parse

    found = selectors.search_messages(principal, parse(asked, timezone.now()), limit=20)
    msgspec.json.encode([hit.message for hit in found.hits])
    return len(found.hits)


def search_by_ilike(principal: Any, word: str) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET enable_bitmapscan = off")
        cursor.execute(
            "SELECT m.id FROM chat_message m JOIN chat_membership s ON s.room_id = m.room_id"
            " WHERE s.user_id = %s AND m.text ILIKE %s ORDER BY m.id DESC LIMIT 20",
            [principal.user_id, f"%{word}%"],
        )
        found = len(cursor.fetchall())
        cursor.execute("SET enable_bitmapscan = on")
    return found


def timed(function: Callable[[], object]) -> float:
    """Return the milliseconds that one call takes."""
    began = time.perf_counter()
    function()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
