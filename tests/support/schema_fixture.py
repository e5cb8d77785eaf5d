"""Creates the dumps that tests/test_upgrade.py migrates from; run it in the repository's root:

    python3 tools/services.py -- .venv/bin/python -m tests.support.schema_fixture 7ee4b5d

Checks that commit out into a temporary folder, prepares an installation there on SQLite and one on
PostgreSQL, fills both (tests/support/schema_contents.py) and dumps them as SQL into
tests/fixtures/schema_<commit>/. Run it once per schema; the dumps are kept in git.
"""

import gzip
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
CONTENTS = ROOT / "tests" / "support" / "schema_contents.py"
SERVICES = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS")
# Made up for the fixtures; used nowhere else.
PASSWORD = "only-in-the-fixture"
API_TOKEN = "pw_00000000_only-in-the-fixture"
FIRST_START = {
    "PITWALL_DEMO": "1",
    "PITWALL_ADMIN_PASSWORD": PASSWORD,
    "PITWALL_DEMO_PASSWORD": PASSWORD,
    "FIXTURE_TOKEN": API_TOKEN,
}
# Newer versions of pg_dump write these for psql only.
PSQL_ONLY = (r"\restrict ", r"\unrestrict ")


def main(commit: str) -> None:
    target = FIXTURES / f"schema_{commit}"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        code, data = Path(folder) / "code", Path(folder) / "data"
        check_out(commit, code)
        data.mkdir()
        on_sqlite = {name: value for name, value in os.environ.items() if name not in SERVICES}
        fill(code, on_sqlite | {"PITWALL_DATA_DIR": str(data)})
        keep(target / "sqlite.sql.gz", dump_sqlite(data / "pitwall.sqlite3"))
        fill(code, os.environ | {"PITWALL_DATA_DIR": str(data)})
        keep(target / "postgresql.sql.gz", dump_postgresql(os.environ["DATABASE_URL"]))


def check_out(commit: str, folder: Path) -> None:
    """Export the tree of a commit into `folder`, with the program that fills an installation."""
    folder.mkdir()
    archive = subprocess.run(
        ["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE, check=True
    ).stdout
    subprocess.run(["tar", "--extract"], cwd=folder, input=archive, check=True)
    shutil.copy(CONTENTS, folder / CONTENTS.name)


def fill(code: Path, environment: Mapping[str, str]) -> None:
    """Prepare and fill the installation that the environment describes."""
    variables = {**environment, **FIRST_START}
    subprocess.run([sys.executable, CONTENTS.name], cwd=code, env=variables, check=True)


def dump_sqlite(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return "\n".join(connection.iterdump())
    finally:
        connection.close()


def dump_postgresql(url: str) -> str:
    """Return the database as statements that any client can run: no COPY, no psql commands."""
    options = ["--no-owner", "--no-privileges", "--no-comments", "--rows-per-insert=200"]
    done = subprocess.run(["pg_dump", *options, url], stdout=subprocess.PIPE, text=True, check=True)
    lines = done.stdout.splitlines()
    return "\n".join(line for line in lines if not line.startswith(PSQL_ONLY))


def keep(path: Path, text: str) -> None:
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
