"""`manage.py export_room main general --format markdown --output general.md`"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.exporting import FORMATS, lines_of
from chat.models import Room


class Command(BaseCommand):
    help = "Write everything that a room keeps to a file or the standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("workspace", help="slug of the workspace")
        parser.add_argument("room", help="slug of the room")
        parser.add_argument("--format", choices=FORMATS, default="json")
        parser.add_argument("--output", type=Path, help="file to write; without it, to the screen")

    def handle(self, *args: Any, **options: Any) -> None:
        room = (
            Room.objects.select_related("workspace")
            .filter(workspace__slug=options["workspace"], slug=options["room"], deleted_at=None)
            .first()
        )
        if room is None:
            raise CommandError(f"There is no room {options['room']!r} in that workspace.")
        lines = lines_of(room, options["format"])
        if options["output"] is None:
            stdout = options.get("stdout") or sys.stdout
            stdout.writelines(lines)
            return
        with options["output"].open("w", encoding="utf-8") as file:
            file.writelines(lines)
        self.stderr.write(f"Written to {options['output']}.")
