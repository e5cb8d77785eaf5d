"""Preparation of an installation: its tables, and the data that apps need in place.

Each app registers its first data in its `prepare.py`; `manage.py prepare` and `serve --prepare` run
all of them after migrating.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from realtime.registries import Registry, qualified_name

LOCK_ID = 0x50495457  # "PITW"

# Returns a message to print, or None.
Step = Callable[[], str | None]


class Output(Protocol):
    def write(self, text: str) -> object: ...


registry: Registry[Step] = Registry("step of preparation", name_of=qualified_name)
# Registers a step to run at every prepare, in the order of registration (that of INSTALLED_APPS);
# it must be idempotent. Usable as a decorator.
register = registry.register


def prepare(stdout: Output) -> None:
    """Migrate, and run the steps that apps registered.

    Idempotent, and safe when several processes start at once.

    Raises:
        ImproperlyConfigured: a step lacks a setting; the message names it.
    """
    with _one_at_a_time():
        _migrate(stdout)
        for step in registry:
            if said := step():
                stdout.write(said)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK_ID])
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_ID])
        return
    data_dir = Path(settings.DATA_DIR)
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "prepare.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _migrate(stdout: Output) -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        stdout.write("Setting up the database …\n")
        call_command("migrate", interactive=False, verbosity=0)
