"""`manage.py migrate`: Django's command, which leaves a folder alone that is being served."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as DjangoCommand

from realtime.process import folder_lock

ONLY_READS = ("check_unapplied", "plan")


class Command(DjangoCommand):
    """Without Redis the one server has the folder: it would run on with tables of another shape."""

    def handle(self, *args: Any, **options: Any) -> Any:
        if any(options.get(name) for name in ONLY_READS):
            return super().handle(*args, **options)
        try:
            with folder_lock.hold("migrates the database in it"):
                return super().handle(*args, **options)
        except folder_lock.FolderInUse as error:
            raise CommandError(str(error)) from error
