"""Two processes that start for the first time at the same moment: one prepares, the other waits."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tools.lifetimes import tied

ROOT = Path(__file__).resolve().parents[2]
SERVICE_VARIABLES = ("DATABASE_URL", "REDIS_URL")


def prepare_twice(environment: dict[str, str]) -> list[tuple[int, str]]:
    """Return the exit codes and outputs of two `manage.py prepare` started together."""
    started = [
        subprocess.Popen(
            tied([sys.executable, "manage.py", "prepare"]),
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in started]
    return [(process.returncode, output) for process, output in zip(started, outputs, strict=True)]


def environment(tmp_path: Path, **variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in SERVICE_VARIABLES}
    return kept | {"PITWALL_DATA_DIR": str(tmp_path), "PITWALL_DEMO": "1"} | variables


def test_on_sqlite_one_of_two_makes_the_users(tmp_path: Path) -> None:
    results = prepare_twice(environment(tmp_path))
    assert [code for code, _output in results] == [0, 0], results
    assert sum("shown once" in output for _code, output in results) == 1
    kept = (tmp_path / "credentials.txt").read_text()
    assert kept.count("admin") == 1


@pytest.fixture
def empty_database() -> Iterator[str]:
    """Yield the URL of a temporary database on the tests' database server."""
    if "DATABASE_URL" not in os.environ:
        pytest.skip("DATABASE_URL names no PostgreSQL (make test-services brings one)")
    parts = urlsplit(os.environ["DATABASE_URL"])
    name = f"prepare_{secrets.token_hex(6)}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield urlunsplit(parts._replace(path=f"/{name}"))
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.services
def test_on_postgresql_one_of_two_makes_the_users(empty_database: str, tmp_path: Path) -> None:
    production = environment(
        tmp_path,
        DATABASE_URL=empty_database,
        REDIS_URL=os.environ["REDIS_URL"],
        PITWALL_ADMIN_PASSWORD="first-start-1",
        PITWALL_DEMO_PASSWORD="first-start-2",
    )
    results = prepare_twice(production)
    assert [code for code, _output in results] == [0, 0], results
    assert sum("Made user admin" in output for _code, output in results) == 1
    with psycopg.connect(empty_database) as connection:
        users = connection.execute("SELECT username FROM accounts_user ORDER BY 1").fetchall()
    assert [name for (name,) in users] == ["admin", "alice", "bob"]


@pytest.mark.services
def test_production_without_the_admins_password_fails_with_its_name(
    empty_database: str, tmp_path: Path
) -> None:
    variables = environment(
        tmp_path, DATABASE_URL=empty_database, REDIS_URL=os.environ["REDIS_URL"]
    )
    variables.pop("PITWALL_ADMIN_PASSWORD", None)
    for code, output in prepare_twice(variables):
        assert code == 1
        assert "CommandError: PITWALL_ADMIN_PASSWORD is required" in output
