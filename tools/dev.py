"""Run a development server: pages are rebuilt and the server restarts when files change.

Runs Vite in watch mode alongside `manage.py serve`; Ctrl-C ends both. Reload the page to see a
change.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bootstrapping import node
from bootstrapping.report import Report
from lifetimes import exit_on_signals, tied

ROOT = Path(__file__).resolve().parent.parent
WATCHED = ("realtime", "realtime_project", "accounts", "notifications", "dashboard", "chat")
LOOK_EVERY = 0.7


def main() -> int:
    """Run until Ctrl-C."""
    commands = node.find(ROOT, Report(ROOT / "var" / "setup.log"))
    exit_on_signals()
    vite = subprocess.Popen(
        tied([*commands.node, "node_modules/vite/bin/vite.js", "build", "--watch"]),
        cwd=ROOT / "frontend",
    )
    server = _serve()
    seen = dict(_times())
    try:
        while True:
            time.sleep(LOOK_EVERY)
            now = dict(_times())
            if now != seen:
                print("Python files changed: starting the server again ...", flush=True)
                _stop(server)
                server, seen = _serve(), now
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(server)
        _stop(vite)


def _serve() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        tied([sys.executable, "manage.py", "serve", "--prepare"], signal.SIGTERM),
        cwd=ROOT,
        env={"PITWALL_DEMO": "1", "PITWALL_DEBUG": "1", **os.environ},
    )


def _times() -> Iterator[tuple[Path, float]]:
    for folder in (*WATCHED, "templates"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".html", ".txt"}:
                yield path, path.stat().st_mtime


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    sys.exit(main())
