"""Bring a fresh clone to the point where `manage.py` runs: packages, front end, translations.

Needs only Python 3.11 and its standard library. Each step is skipped when its inputs have
not changed since it last succeeded, so calling it again costs a fraction of a second.

    python3 tools/bootstrap.py [--dev] [--check-port]
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this check is for versions that are too old
    sys.exit(
        "Pitwall needs Python 3.11 or newer and this is {}.{}: install one (Debian, Ubuntu: "
        "apt install python3 python3-venv) or run `make PYTHON=/path/to/python3.11`.".format(
            *sys.version_info[:2]
        )
    )

import argparse
import fcntl
import os
from pathlib import Path

from bootstrapping import environment, frontend, translations
from bootstrapping.network import require_free_port
from bootstrapping.report import Report, SetupError, for_owner_only

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Run every step that is due. Returns 0, or 1 after printing one line to stderr."""
    parser = argparse.ArgumentParser(description="Set Pitwall up.")
    parser.add_argument("--dev", action="store_true", help="also what the tests and checks need")
    parser.add_argument(
        "--check-port", action="store_true", help="first make sure that HOST and PORT are free"
    )
    options = parser.parse_args(arguments)
    report = Report(data_dir() / "setup.log")
    try:
        if options.check_port:
            require_free_port(os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000"))
        lock_path = report.log_path.with_suffix(".lock")
        with open(lock_path, "w", opener=for_owner_only) as lock:
            # Two concurrent `make` calls (say run and test) must not build in the same folder.
            fcntl.flock(lock, fcntl.LOCK_EX)
            environment.prepare(ROOT, report, dev=options.dev)
            frontend.prepare(ROOT, report)
            translations.prepare(ROOT, report)
    except SetupError as error:
        print(f"Pitwall: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Pitwall: the set-up cannot go on: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def data_dir() -> Path:
    """Create the data folder if needed, and return it. The set-up's log goes there too."""
    folder = Path(os.environ.get("PITWALL_DATA_DIR") or ROOT / "var")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(
            f"Pitwall: cannot make the data folder {folder} ({error.strerror}): "
            "set PITWALL_DATA_DIR to a folder you may write to."
        )
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
