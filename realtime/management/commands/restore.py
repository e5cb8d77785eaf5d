"""`manage.py restore FILE`: restore a backup and give all streams new epochs."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from realtime import backups
from realtime.models import Lease, Process
from realtime.process import folder_lock


class Command(BaseCommand):
    """Refuses while a process of this installation is alive; never prompts."""

    help = (
        "Replace the database and the uploaded files by those of a backup, and give every stream "
        "a new epoch, so that clients notice. Stop the web processes and the workers first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", nargs="?", help="made by backup")
        parser.add_argument(
            "--rotate-only",
            action="store_true",
            help="only give every stream a new epoch: for a database restored by other means",
        )
        parser.add_argument(
            "--force", action="store_true", help="even while web processes or workers are alive"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        source: Path | None = options["file"]
        if (source is None) != options["rotate_only"]:
            raise CommandError("Name either a backup FILE or --rotate-only.")
        try:
            with _nobody_else(force=options["force"]):
                self._restore(source)
        except (backups.BackupError, DatabaseError) as error:
            raise CommandError(str(error).strip()) from error

    def _restore(self, source: Path | None) -> None:
        if source is None:
            self.stdout.write(f"{backups.rotate()} streams have a new epoch.")
            return
        count = backups.restore(source)
        self.stdout.write(
            f"Restored: the database and {count} files. Every stream has a new epoch.\n"
            "Run manage.py prepare before the next start: the backup may be of an older version."
        )


@contextmanager
def _nobody_else(*, force: bool) -> Iterator[None]:
    """Make sure that nobody uses the installation, and that no server starts during the block."""
    with ExitStack() as stack:
        try:
            stack.enter_context(folder_lock.hold("restores a backup in it"))
        except folder_lock.FolderInUse as error:
            if not force:
                raise CommandError(f"Still alive: {error}") from error
        if not force:
            _require_nobody()
        yield


def _require_nobody() -> None:
    """Raise CommandError if a process reports or holds a lease; without tables, none does."""
    tables = connection.introspection.table_names()
    alive = []
    if Process._meta.db_table in tables:
        alive += [str(process) for process in Process.alive()]
    if not alive and Lease._meta.db_table in tables:
        held = Lease.objects.filter(expires_at__gt=Now()).exclude(holder="")
        alive += [f"the worker {name}" for name in held.values_list("name", flat=True)]
    if alive:
        raise CommandError(
            f"Still alive, or killed only seconds ago: {', '.join(alive)}. "
            "Stop the web processes and the workers first (or say --force)."
        )
