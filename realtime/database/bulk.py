"""Bulk updates: set a different number in each of many rows, in one statement of constant size.

Django's bulk_update builds a CASE for every row; with a hundred rows, that takes longer than the
update in the database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import connection, models


def set_numbers(model: type[models.Model], field: str, values: Mapping[int, int]) -> None:
    """Set the integer `field` of rows of `model`; `values` maps primary keys to numbers."""
    if not values:
        return
    quoted = connection.ops.quote_name
    table, column = quoted(model._meta.db_table), quoted(_column(model, field))
    key = quoted(_column(model, model._meta.pk.name))
    if connection.vendor == "postgresql":
        given = "SELECT unnest(%s::bigint[]) AS id, unnest(%s::bigint[]) AS number"
        parameters: list[Any] = [list(values), list(values.values())]
    else:
        given = (
            "SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS number "
            "FROM json_each(%s)"
        )
        parameters = [json.dumps(list(values.items()))]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {column} = given.number FROM ({given}) AS given "
            f"WHERE {table}.{key} = given.id",
            parameters,
        )


def _column(model: type[models.Model], field: str) -> str:
    return str(model._meta.get_field(field).column)  # type: ignore[union-attr]
