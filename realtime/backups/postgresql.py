"""PostgreSQL dumps and restores, through its own programs: pg_dump, pg_restore and psql."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from realtime.backups.epochs import rotation
from realtime.backups.errors import BackupError

# Drops every existing table and routine first: one that the backup does not contain would collide
# with the migration that creates it. Routines of extensions stay. The database belongs to Pitwall
# alone.
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
        BackupError: pg_dump is not installed, or it failed; the message has its error output.
    """
    # Not compressed: the archive around it is.
    options = ["--format=custom", "--compress=0", "--no-owner", "--no-privileges"]
    _run([_program("pg_dump"), *options, f"--file={target}"], settings)


def load(settings: dict[str, Any], dumped: Path) -> None:
    """Replace the database with the dump, with new epochs, in one transaction.

    Concurrent readers see the old database until the commit, and never an old epoch after it.

    Raises:
        BackupError: a program is not installed or failed; the database is unchanged.
    """
    psql = _program("psql")
    scripts = {
        name: dumped.with_name(f"{name}.sql") for name in ("1-empty", "2-restore", "3-rotate")
    }
    scripts["1-empty"].write_text(_EMPTY)
    options = ["--no-owner", "--no-privileges", "--no-comments"]
    file = f"--file={scripts['2-restore']}"
    _run([_program("pg_restore"), *options, file, str(dumped)], settings)
    # pg_restore's script leaves the search path empty.
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
    """Return libpq's environment variables, which keep the password out of the process list."""
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
