"""`manage.py backup FILE`: back up the database and the uploaded files to one archive."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from realtime import backups


class Command(BaseCommand):
    """Can run while the installation is in use."""

    help = (
        "Back up the database and the uploaded files to FILE (tar, gzip), while everything runs. "
        "Settings, secrets and what is in Redis are not in it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="a new file, .tar.gz by custom")

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["file"].absolute()
        try:
            count = backups.create(target)
        except backups.BackupError as error:
            raise CommandError(str(error)) from error
        size = target.stat().st_size / 1e6
        self.stdout.write(f"{target}: the database and {count} files, {size:.1f} MB.")
