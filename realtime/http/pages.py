"""Pagination of REST lists: newest first, from a cursor, which a client may have forged."""

from __future__ import annotations

import re
from typing import Generic, TypeVar

from msgspec import Struct
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from realtime.errors import InvalidCommand

T = TypeVar("T")
_ID = re.compile("[0-9]{1,18}")
_LIMIT = re.compile("[0-9]{1,3}")


class Page(Struct, Generic[T], kw_only=True):
    """A page of a list; `next` and `previous` are the URLs of the adjacent pages, or null."""

    next: str | None
    previous: str | None
    results: list[T]


class NewestFirst(CursorPagination):
    """Pages of rows by id, newest first, with `limit` rows each."""

    ordering = "-id"
    page_size = 50
    max_page_size = 200

    def get_page_size(self, request: Request) -> int:
        """Return the `limit` of the query string.

        Raises:
            InvalidCommand: it is not a number of rows that a page can have.
        """
        given = request.query_params.get("limit")
        if given is None:
            return self.page_size
        if not _LIMIT.fullmatch(given) or not 0 < int(given) <= self.max_page_size:
            reason = f"A whole number from 1 to {self.max_page_size}."
            raise InvalidCommand.field("limit", reason)
        return int(given)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Decode the cursor; raises NotFound if its position is not an id."""
        cursor: Cursor | None = super().decode_cursor(request)
        if cursor and cursor.position is not None and not _ID.fullmatch(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor
