"""PostgreSQL and Redis for benchmarks: the environment's, or private ones."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg

from benchmarks.support.processes import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import services as private_services


@contextlib.contextmanager
def backing(*, durable: bool = False) -> Iterator[dict[str, str]]:
    """Yield REDIS_URL, and DATABASE_URL of a temporary database.

    `durable`: use private servers whose commits wait for the disk.
    """
    with contextlib.ExitStack() as stack:
        variables = dict(os.environ)
        if durable or not {"DATABASE_URL", "REDIS_URL"} <= variables.keys():
            running = private_services.running_services(durable=durable)
            variables = stack.enter_context(running)
        database = stack.enter_context(_fresh_database(variables["DATABASE_URL"]))
        yield {"DATABASE_URL": database, "REDIS_URL": variables["REDIS_URL"]}


@contextlib.contextmanager
def _fresh_database(url: str) -> Iterator[str]:
    name = f"pitwall_bench_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
