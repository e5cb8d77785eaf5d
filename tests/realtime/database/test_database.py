"""Guarantees of the database settings: which transactions wait for which."""

import asyncio
import sqlite3
import threading
from contextlib import closing

import pytest
from django.conf import settings
from django.db import connection, transaction

from realtime.database import threads
from realtime.models import Lease

pytestmark = pytest.mark.django_db(transaction=True)

on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="this is about SQLite")


def run_sql(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


async def test_every_service_thread_has_a_connection_while_all_others_have_one_too():
    together = threading.Barrier(settings.SERVICE_THREADS)

    def hold() -> None:
        with transaction.atomic():
            run_sql("SELECT 1")
            together.wait(5)

    if connection.vendor == "sqlite":

        def hold() -> None:
            run_sql("SELECT 1")
            together.wait(5)

    await asyncio.gather(*(threads.call(hold) for _ in range(settings.SERVICE_THREADS)))


async def test_reading_waits_for_no_writer():
    writing, read = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            Lease.objects.create(name="writer", expires_at="2030-01-01T00:00:00Z")
            writing.set()
            assert read.wait(5)

    task = asyncio.create_task(threads.call(write))
    await asyncio.to_thread(writing.wait, 5)
    assert await threads.call(Lease.objects.count) == 0
    read.set()
    await task
    assert not settings.DATABASES["default"].get("ATOMIC_REQUESTS")


@on_sqlite
async def test_what_sqlite_does_with_a_commit_is_stated():
    assert await threads.call(run_sql, "PRAGMA synchronous") == (1,)
    assert await threads.call(run_sql, "PRAGMA journal_mode") == ("wal",)


@on_sqlite
async def test_a_transaction_takes_the_write_lock_when_it_begins():
    """A transaction that reads first and writes later might fail to get the lock."""

    def locked_out_while_reading() -> bool:
        with transaction.atomic():
            Lease.objects.count()
            # Like another process, it bypasses this process's gate.
            with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0)) as other:
                try:
                    other.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    return True
        return False

    assert await threads.call(locked_out_while_reading)
