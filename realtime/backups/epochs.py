"""New epochs for all streams: every position that a client holds from before is void."""

from __future__ import annotations

from typing import Any

from django.db import connection

from realtime.models import Stream
from realtime.streams.unit_of_work import unit_of_work

# 32 hexadecimal digits for each row, as realtime.models.new_epoch makes them.
_NEW_EPOCH = {
    "sqlite": "lower(hex(randomblob(16)))",
    "postgresql": "replace(gen_random_uuid()::text, '-', '')",
}


def rotation(vendor: str) -> str:
    """The statement that gives every stream a new epoch, for a database that Django does not hold.

    `vendor` is Django's word for the kind of database: "sqlite" or "postgresql".
    """
    return f'UPDATE "{Stream._meta.db_table}" SET epoch = {_NEW_EPOCH[vendor]}'


@unit_of_work
def rotate() -> int:
    """Give every stream of this installation's database a new epoch; returns how many there are."""
    with connection.cursor() as cursor:
        cursor.execute(rotation(connection.vendor))
        changed: Any = cursor.rowcount
    return int(changed)
