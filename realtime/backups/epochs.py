"""New epochs for all streams: they invalidate every position that a client holds."""

from __future__ import annotations

from typing import Any

from django.db import connection

from realtime.models import Stream
from realtime.streams.unit_of_work import unit_of_work

# 32 hexadecimal digits for each row, like those of realtime.models.new_epoch.
_NEW_EPOCH = {
    "sqlite": "lower(hex(randomblob(16)))",
    "postgresql": "replace(gen_random_uuid()::text, '-', '')",
}


def rotation(vendor: str) -> str:
    """Return the SQL that gives every stream a new epoch, for a database not opened by Django.

    `vendor` is Django's name for the kind of database: "sqlite" or "postgresql".
    """
    return f'UPDATE "{Stream._meta.db_table}" SET epoch = {_NEW_EPOCH[vendor]}'


@unit_of_work
def rotate() -> int:
    """Give every stream of this installation a new epoch; returns the number of streams."""
    with connection.cursor() as cursor:
        cursor.execute(rotation(connection.vendor))
        changed: Any = cursor.rowcount
    return int(changed)
