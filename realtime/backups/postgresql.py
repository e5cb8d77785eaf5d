"""PostgreSQL's own programs: pg_dump for the way out, pg_restore and psql for the way back."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from realtime.backups.epochs import rotation
from realtime.backups.errors import BackupError

# What is there now goes first, all of it: a table that the backup does not know would be in the
# way of the migration that makes it. So would a function; those of extensions stay with them. The
# database is Pitwall's alone.
_EMPTY = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN SELECT schemaname, tablename FROM pg_tables WHERE schemaname = current_schema()
    LOOP
        EXECUTE format('DROP TABLE %I.%I CASCADE', found.schemaname, found.tablename);
    END LOOP;
    FOR found IN SELECT oid::regprocedure AS routine FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND NOT EXISTS (
            SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e'
        )
    LOOP
        EXECUTE format('DROP ROUTINE %s CASCADE', found.routine);
    END LOOP;
END $$;
"""


def dump(settings: dict[str, Any], target: Path) -> None:
    """Write the database of these Django settings to a new file, in pg_dump's custom format.

    Raises:
        BackupError: pg_dump is not there, or it failed; with what it said.
    """
    # Not compressed: the archive around it is.
    options = ["--format=custom", "--compress=0", "--no-owner", "--no-privileges"]
    _run([_program("pg_dump"), *options, f"--file={target}"], settings)


def load(settings: dict[str, Any], dumped: Path) -> None:
    """Replace the database by what was dumped, with new epochs, in one transaction.

    Whoever looks meanwhile sees the old database, and afterwards never an old epoch.

    Raises:
        BackupError: a program is not there or failed; the database is as it was.
    """
    psql = _program("psql")
    scripts = {
        name: dumped.with_name(f"{name}.sql") for name in ("1-empty", "2-restore", "3-rotate")
    }
    scripts["1-empty"].write_text(_EMPTY)
    options = ["--no-owner", "--no-privileges", "--no-comments"]
    file = f"--file={scripts['2-restore']}"
    _run([_program("pg_restore"), *options, file, str(dumped)], settings)
    # The script of pg_restore leaves an empty search path behind.
    scripts["3-rotate"].write_text(f"RESET search_path;\n{rotation('postgresql')};\n")
    command = [psql, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction"]
    _run([*command, *(f"--file={script}" for script in scripts.values())], settings)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BackupError(
            f"{name} is not installed: it comes with PostgreSQL's client programs "
            "(Debian: postgresql-client), in the version of the server or newer."
        )
    return found


def _run(command: list[str], settings: dict[str, Any]) -> None:
    ended = subprocess.run(
        command,
        env=os.environ | _connection(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ended.returncode:
        said = " ".join(ended.stderr.split())[-500:]
        raise BackupError(f"{Path(command[0]).name} failed: {said}")


def _connection(settings: dict[str, Any]) -> dict[str, str]:
    """The connection as libpq reads it from the environment: no password in a list of processes."""
    named = {
        "PGHOST": settings["HOST"],
        "PGPORT": settings["PORT"],
        "PGUSER": settings["USER"],
        "PGPASSWORD": settings["PASSWORD"],
        "PGDATABASE": settings["NAME"],
        "PGSSLMODE": settings["OPTIONS"].get("sslmode"),
        "PGCONNECT_TIMEOUT": settings["OPTIONS"].get("connect_timeout"),
    }
    return {name: str(value) for name, value in named.items() if value}
