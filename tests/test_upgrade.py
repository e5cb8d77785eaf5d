"""Migrating an installation of an earlier version preserves everything in it.

The dumps in tests/fixtures/ were created by that version (tests/support/schema_fixture.py). A later
schema change needs no new dump: it is applied to these.
"""

import gzip
import json
import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.support.schema_fixture import SERVICES
from tools.lifetimes import tied

ROOT = Path(__file__).resolve().parents[1]
DUMPS = ROOT / "tests" / "fixtures" / "schema_7ee4b5d"
# Tables that a later migration renamed (old name -> new name) or dropped (-> None).
REPLACED_TABLES: dict[str, str | None] = {
    "chat_deletionrecord": None,
    "axes_accessattempt": None,
    "axes_accessattemptexpiration": None,
    "axes_accessfailurelog": None,
    "axes_accesslog": None,
}
# Rows about django-axes, which accounts.0004_drop_axes removes.
REMOVED_ROWS = {"auth_permission": 16, "django_content_type": 4, "django_migrations": 10}


@dataclass
class Installation:
    """A database with the dump's contents, and the environment in which `manage.py` finds it."""

    environment: Mapping[str, str]
    connection: Any

    def run(self, *command: str) -> str:
        """Run a Python program in this installation; returns its output."""
        done = subprocess.run(
            tied([sys.executable, *command]),
            cwd=ROOT,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def row_counts(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        tables = [name for (name,) in self.connection.execute(self._list_tables()).fetchall()]
        return {
            name: self.connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for name in tables
        }

    def _list_tables(self) -> str:
        if isinstance(self.connection, sqlite3.Connection):
            return "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        return "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


def environment(data_dir: Path, **variables: str) -> dict[str, str]:
    """Return the surrounding environment without the settings of the tests' own database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PITWALL_")}
    settings = {
        "DJANGO_SETTINGS_MODULE": "realtime_project.settings",
        "PITWALL_DATA_DIR": str(data_dir),
    }
    return kept | settings | variables


def dump(name: str) -> str:
    return gzip.decompress((DUMPS / f"{name}.sql.gz").read_bytes()).decode()


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Installation]:
    embedded = environment(tmp_path)
    for name in SERVICES:
        embedded.pop(name, None)
    connection = sqlite3.connect(tmp_path / "pitwall.sqlite3")
    connection.executescript(dump("sqlite"))
    yield Installation(embedded, connection)
    connection.close()


@pytest.fixture
def on_postgresql(tmp_path: Path) -> Iterator[Installation]:
    if "DATABASE_URL" not in os.environ:
        pytest.skip("DATABASE_URL names no PostgreSQL (make test-services brings one)")
    url = urlsplit(os.environ["DATABASE_URL"])
    name = f"upgrade_{secrets.token_hex(6)}"
    own = url._replace(path=f"/{name}").geturl()
    with psycopg.connect(url.geturl(), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        with psycopg.connect(own, autocommit=True) as connection:
            connection.execute(dump("postgresql"))
            connection.execute("RESET search_path")
            yield Installation(environment(tmp_path, DATABASE_URL=own), connection)
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def installation(request: pytest.FixtureRequest) -> Installation:
    """Run the test on both databases."""
    loaded: Installation = request.getfixturevalue(f"on_{request.param}")
    return loaded


def test_an_upgrade_keeps_everything_that_was_there(installation: Installation) -> None:
    before = installation.row_counts()
    installation.run("manage.py", "migrate", "--no-input", "--verbosity=0")
    assert lost_rows(before, installation.row_counts()) == {}
    found = json.loads(installation.run("-m", "tests.support.upgraded"))
    assert found["makemigrations"] == "No changes detected"
    check_accounts(found)
    check_room(found)
    check_stream(found)
    check_notifications(found)
    check_metrics(found)
    assert found["presence"] == ["room:garage"]
    assert found["leases"] == [["collectors", 1]]


def lost_rows(before: dict[str, int], after: dict[str, int]) -> dict[str, str]:
    """Return the losses by table. Additional rows are fine: migrations add permissions etc."""
    renamed = {table: REPLACED_TABLES.get(table, table) for table in before}
    return {
        table: f"{count} rows before, {after.get(renamed[table], 'no table')} after"
        for table, count in before.items()
        if renamed[table] is not None
        and after.get(renamed[table], -1) < count - REMOVED_ROWS.get(table, 0)
    }


def check_accounts(found: dict[str, Any]) -> None:
    """Check the old passwords. Each REST response shows that the old API token works."""
    # Carol has no password.
    good = {"admin": True, "alice": True, "bob": True, "carol": False}
    assert found["passwords"] == good


def check_room(found: dict[str, Any]) -> None:
    snapshot = found["snapshot"]
    info = snapshot["info"]
    assert (info["name"], info["topic"], info["kind"]) == ("Garage", "Spanners", "public")
    assert (info["first_sequence"], info["head_sequence"]) == (2, 6)
    members = {member["username"]: member for member in snapshot["members"]}
    assert {name: member["role"] for name, member in members.items()} == {
        "alice": "owner",
        "bob": "member",
        "carol": "member",
    }
    assert members["carol"]["muted_until"] > "2100"
    question, answer, deleted, picture, card = snapshot["data"]
    assert [message["sequence"] for message in snapshot["data"]] == [2, 3, 4, 5, 6]
    assert question["message"] == "Which **tyre**, @bob?"
    assert "<strong>tyre</strong>" in question["html"]
    assert question["mentions"] == [members["bob"]["user_id"]]
    assert [pin["message_id"] for pin in snapshot["pins"]] == [question["message_id"]]
    assert answer["message"] == "The medium one 🏁"
    assert answer["reply"]["message_id"] == question["message_id"]
    both = [members["alice"]["user_id"], members["bob"]["user_id"]]
    assert answer["reactions"] == [{"emoji": "👍", "user_ids": both, "count": 2}]
    assert [revision["text"] for revision in found["revisions"]] == ["The hard one 🏁"]
    assert (deleted["deleted"], deleted["message"]) == (True, "")
    assert picture["attachments"][0]["name"] == "tyre.png"
    assert (card["mentions_all"], card["card"]["reference"]) == (True, "cpu_usage")
    hits = [(hit["room"], hit["sequence"]) for hit in found["search"]["results"]]
    assert ("garage", 2) in hits


def check_stream(found: dict[str, Any]) -> None:
    """Check that offsets continue from before: a client with a position can resume."""
    assert found["stream"] == {"floor": 3, "head": 16}
    assert [event["offset"] for event in found["replay"]] == list(range(4, 17))
    said = [event["message"] for event in found["replay"] if event["type"] == "chat_message"]
    assert said == ["", "Which **tyre**, @bob?", "The hard one 🏁", "", "", "@all box box"]


def check_notifications(found: dict[str, Any]) -> None:
    told = {(each["kind"], each["title"]): each for each in found["notifications"]["results"]}
    sent = told["message", "Scrutineering at noon"]
    assert (sent["severity"], sent["link"], sent["read"]) == ("warning", "/dashboard/", False)
    assert told["direct_message", "bob wrote to you"]["read"] is True
    assert ("announcement", "The track is open") in told


def check_metrics(found: dict[str, Any]) -> None:
    pushed = [point["value"] for point in found["pushed"]["data"]]
    assert pushed == [80 + number / 8 for number in reversed(range(100))]
    assert len(found["collected"]["data"]) == 180
