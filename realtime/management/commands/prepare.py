"""`manage.py prepare`: create tables, the first workspace and users, and the apps' first data."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from realtime.prepare import prepare


class Command(BaseCommand):
    """Safe to run on every deployment."""

    help = "Migrate, and on the first start make the workspace, the admin and demo members."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            prepare(self.stdout)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
