"""Waiting until one transaction blocks another (PostgreSQL)."""

from __future__ import annotations

from threading import Event

import pytest
from django.db import connection

side_by_side = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer at a time"
)


def wait_until(done: Event) -> None:
    """Return when `done` is set, or when another session waits for this transaction's locks."""
    while not done.wait(0.01) and not _holds_up_somebody():
        """Either comes."""


def _holds_up_somebody() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks "
            "WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        (blocks,) = cursor.fetchone()
    return bool(blocks)
