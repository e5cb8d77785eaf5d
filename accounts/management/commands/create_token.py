"""`manage.py create_token alice`: an API token for a program, without a browser."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import selectors, services
from realtime.errors import AppError


class Command(BaseCommand):
    """Makes the token and prints its secret, and nothing else, to standard output."""

    help = "Make a personal API token for a user; prints the secret, which is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="or email address")
        parser.add_argument("--name", default="manage.py", help="what the token is for")
        parser.add_argument("--workspace", help="slug; the user's default workspace unless given")
        parser.add_argument("--days", type=int, help="until it expires; never unless given")

    def handle(self, *args: Any, **options: Any) -> None:
        user = selectors.user_of_name(options["username"])
        if user is None or not user.is_active:
            raise CommandError(f"There is no active user {options['username']!r}.")
        days = options["days"]
        try:
            principal = selectors.principal_of(user, options["workspace"])
            _token, secret = services.create_token(
                user_id=user.pk,
                workspace_id=principal.workspace_id,
                name=options["name"][:100],
                expires_at=None if days is None else timezone.now() + timedelta(days=days),
            )
        except AppError as error:
            raise CommandError(error.message) from error
        self.stdout.write(secret)
