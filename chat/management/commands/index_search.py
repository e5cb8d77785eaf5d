"""`manage.py index_search`: create search indexes that could not be created before."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from chat.search import index


class Command(BaseCommand):
    help = "Make the indexes of message search that are missing (PostgreSQL)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not index.create(connection):
            raise CommandError(index.MISSING_EXTENSION)
        self.stdout.write("Message search has its indexes.")
