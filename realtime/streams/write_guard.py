"""Guard that refuses a worker's writes outside a unit of work, where nothing checks its fence.

It checks each statement on its way to the database, whichever thread and layer of Django it comes
through, and psycopg's COPY, which Django does not see. Only a thread that was started without its
creator's context (`threading.Thread`) bypasses it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from realtime.database import fences
from realtime.streams.unit_of_work import covers

_COMMENTS = re.compile(r"\A(?:\s+|--[^\n]*\n|/\*.*?\*/|\()*", re.DOTALL)
_READS = re.compile(
    r"(?:SELECT|VALUES|EXPLAIN|SHOW|SET|PRAGMA|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b",
    re.IGNORECASE,
)
_WITH = re.compile(r"WITH\b(?!.*\b(?:INSERT|UPDATE|DELETE|MERGE)\b)", re.IGNORECASE | re.DOTALL)


def install() -> None:
    """Guard every connection that is opened from now on."""
    connection_created.connect(_guard_connection, dispatch_uid="realtime.streams.write_guard")


def _guard_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    # Django's object outlives the connections that it opens, so the wrapper may be there already.
    # It goes first, since leaving `execute_wrapper` removes the last one.
    if _execute not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _execute)
    if connection.vendor == "postgresql":
        driver = connection.connection
        driver.cursor_factory = _guarded(driver.cursor_factory)


def _execute(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    _refuse_unfenced(sql)
    return execute(sql, params, many, context)


class _CopyGuard:
    """Mixin that goes before a cursor class of psycopg."""

    def copy(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_unfenced(str(statement))
        return super().copy(statement, *args, **kwargs)  # type: ignore[misc]


@functools.cache
def _guarded(cursor: type[Any]) -> type[Any]:
    if issubclass(cursor, _CopyGuard):  # a connection reused from the pool
        return cursor
    return type(cursor.__name__, (_CopyGuard, cursor), {})


def _refuse_unfenced(sql: str) -> None:
    fence = fences.current()
    if fence is not None and not covers(fence) and not _only_reads(sql):
        raise fences.Unfenced(
            f"A worker may write in a unit of work only, where its fence is checked: {sql[:80]}"
        )


def _only_reads(sql: str) -> bool:
    start = _COMMENTS.match(sql)
    position = start.end() if start else 0
    return bool(_READS.match(sql, position) or _WITH.match(sql, position))
