"""`manage.py runworker NAME…`: run workers in their own process."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from argparse import ArgumentParser
from functools import partial
from typing import Any

from channels.management.commands.runworker import Command as ChannelsCommand
from django.core.management.base import CommandError

from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.process import reporter
from realtime.process.loops import supervise
from realtime.streams import publish
from realtime.workers import inbox_gauges
from realtime.workers.loop import run
from realtime.workers.wakeups import get_listener, stop_listener
from realtime.workers.worker import Worker, registered


class Command(ChannelsCommand):
    """Extends Channels' command: if no name is a worker of ours, the names are its channels."""

    help = "Run workers by name until SIGTERM; with no name, list them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        for action in parser._actions:
            if action.dest == "channels":
                action.nargs = "*"
                action.help = "Workers of Pitwall, or channels for Channels' own consumers."
        parser.add_argument(
            "--slots",
            type=int,
            default=None,
            help="of a worker that may run several times at once: how many here (default: all)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        names = options["channels"]
        known = registered()
        if not names:
            for name, worker in known.items():
                self.stdout.write(f"{name:20} {(worker.__doc__ or '').strip().splitlines()[0]}")
            return
        ours = [known[name] for name in names if name in known]
        if not ours:
            super().handle(*args, **options)
            return
        if len(ours) < len(names):
            unknown = ", ".join(name for name in names if name not in known)
            raise CommandError(f"No worker is named {unknown}. There are: {', '.join(known)}.")
        if not asyncio.run(self._run(ours, options["slots"])):
            sys.exit(1)

    async def _run(self, chosen: list[type[Worker]], slots: int | None) -> bool:
        """Run workers until a signal, or until one fails, which stops all; False if any failed."""
        loop = asyncio.get_running_loop()
        publish.bind(loop)
        await get_listener()
        stopping = asyncio.Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, stopping.set)
        role = ",".join(worker.name for worker in chosen)
        beside = [
            loop.create_task(supervise(name, run))
            for name, run in (
                ("report", partial(reporter.report, role)),
                ("inbox gauges", partial(inbox_gauges.keep, chosen)),
            )
        ]
        tasks = {
            loop.create_task(run(worker, stopping), name=worker.name)
            for worker in chosen
            for _ in range(min(slots or worker.slots, worker.slots))
        }
        self.stdout.write(f"Running {role}.")
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        stopping.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for task in beside:
            task.cancel()
        await stop_listener()
        for task, result in zip(tasks, results, strict=True):
            if isinstance(result, Exception):
                self.stderr.write(f"{task.get_name()} ended: {result!r}")
        # If this fails, the process stops counting as alive after a few seconds anyway.
        with contextlib.suppress(*DATABASE_AWAY):
            await threads.call(reporter.withdraw)
        return not any(isinstance(result, Exception) for result in results)
