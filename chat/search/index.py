"""Search indexes on PostgreSQL: trigrams, and grams of the shortest words.

pg_trgm finds any substring with three letters in a row. For scripts that write a word in one or
two characters, for signs (c++) and for short words (ok), an index of our own holds a text's grams:
non-ASCII characters, adjacent pairs that are not both Latin letters or digits, and words of one or
two of these. It needs no extension, and no database locale that knows those scripts. SQLite scans
the newest messages first, which is fast enough for as many as it will hold.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger(__name__)

MISSING_EXTENSION = (
    "PostgreSQL does not let this installation create the extension pg_trgm: searches stay exact "
    "and become slow with many messages. Let an administrator of the database run "
    "CREATE EXTENSION pg_trgm; and then run manage.py index_search."
)
_LATIN = re.compile(r"[a-z0-9]{3}")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
# Overlapping pairs of adjacent characters: not both [a-z0-9], and neither a space.
_PAIR = re.compile(r"(?=([^ ][^ a-z0-9]|[^ a-z0-9][^ ]))")
# Enough to narrow the search to a few texts, which are then compared exactly.
MAX_GRAMS = 16
_SHORT_WORD = re.compile(r"[a-z0-9]{1,2}")

# An index requires an immutable function: the grams depend on the text alone. COST: makes the
# planner prefer an index scan to computing them again for each of many rows.
GRAMS_FUNCTION = r"""
CREATE OR REPLACE FUNCTION chat_search_grams(text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
    SELECT array_agg(DISTINCT gram) FROM (
        SELECT unnest(ARRAY[
            CASE WHEN ascii(one) > 127 THEN one END,
            CASE WHEN one <> ' ' AND next <> ' ' AND one || next !~ '^[a-z0-9]+$'
                THEN one || next END
        ]) AS gram
        FROM (
            SELECT one, lead(one) OVER (ORDER BY place) AS next
            FROM unnest(string_to_array($1, NULL)) WITH ORDINALITY AS letters(one, place)
            WHERE $1 ~ '[^ a-z0-9]'
        ) AS pairs
        UNION ALL
        SELECT word FROM regexp_split_to_table($1, '[^a-z0-9]+') AS words(word)
        WHERE length(word) IN (1, 2)
    ) AS grams
    WHERE gram IS NOT NULL
$$
"""
# Small, so that the writer that must flush it is not delayed.
_PENDING = "WITH (gin_pending_list_limit = 512)"
GRAMS_INDEX = (
    "CREATE INDEX IF NOT EXISTS chat_message_grams ON chat_message "
    f"USING gin (chat_search_grams(search_text)) {_PENDING}"
)
TRIGRAM_INDEX = (
    "CREATE INDEX IF NOT EXISTS chat_message_trigrams ON chat_message "
    f"USING gin (search_text gin_trgm_ops) {_PENDING}"
)


def create(connection: BaseDatabaseWrapper) -> bool:
    """Create missing indexes; return False, with a warning, if pg_trgm is not available."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(GRAMS_FUNCTION)
        cursor.execute(GRAMS_INDEX)
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(TRIGRAM_INDEX)
    except DatabaseError as error:
        logger.warning("%s (%s)", MISSING_EXTENSION, str(error).strip())
        return False
    return True


def condition(word: str) -> tuple[str, list[Any]]:
    """Return SQL that is true if the folded `word` is in `search_text`, and its parameters.

    Written so that PostgreSQL uses an index only where one helps: a pattern without three letters
    in a row would scan the whole trigram index.
    """
    grams = _grams(word)
    if _LATIN.search(word):
        escaped = re.sub(r"([\\%_])", r"\\\1", word)
        exact, parameters = "search_text LIKE %s", [f"%{escaped}%"]
    else:
        exact, parameters = "strpos(search_text, %s) > 0", [word]
    if not grams:
        return exact, parameters
    return f"({exact} AND chat_search_grams(search_text) @> %s::text[])", [*parameters, grams]


def is_short_word(word: str) -> bool:
    """Return whether `word` matches whole words only: inside longer ones it would be everywhere."""
    return _SHORT_WORD.fullmatch(word) is not None


def _grams(word: str) -> list[str]:
    """Return the grams that every text containing `word` has."""
    if is_short_word(word):
        return [word]
    grams = _PAIR.findall(word) or _BEYOND_ASCII.findall(word)
    return list(dict.fromkeys(grams))[:MAX_GRAMS]
