"""The servers under test: Pitwall and its baselines, all started the same way."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support import node, processes
from benchmarks.support.client import Target
from tools.lifetimes import tied

SUBSCRIBE_ALL = '{"action": "subscribe", "metrics": ["*"], "history": 0}'
CONFIRMED = "subscription_confirmed"
FOREIGN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS")
# The load comes from a single address, and the limits are not under test.
UNLIMITED = {
    "PITWALL_MAX_CONNECTIONS": "100000",
    "PITWALL_MAX_CONNECTIONS_PER_ADDRESS": "100000",
    "PITWALL_MAX_CONNECTIONS_PER_USER": "100000",
    "PITWALL_COMMANDS_PER_SECOND": "100000",
    "PITWALL_COMMAND_BURST": "100000",
}


@dataclass(frozen=True)
class Running:
    """A running contender: its address, and its process."""

    target: Target
    process: subprocess.Popen[bytes]
    output: Path


@dataclass(frozen=True)
class Installation:
    """A prepared data folder with a database and logged-in users, for Pitwall and Django peers."""

    folder: Path
    environment: Mapping[str, str]

    @property
    def cookies(self) -> Path:
        """Return the file of session cookies: one per line, each of a different user."""
        return self.folder / "cookies.txt"


@contextlib.contextmanager
def installed(
    users: int, *, services: Mapping[str, str] | None = None, demo: bool = False
) -> Iterator[Installation]:
    """Prepare an installation in a temporary folder, removed at the end.

    Args:
        users: number of users, each with a session.
        demo: with the sources of a demo installation.
        services: DATABASE_URL and REDIS_URL; None for SQLite and the in-memory layer.
    """
    folder = Path(tempfile.mkdtemp(prefix="pitwall-bench-"))
    environment = {
        **{name: value for name, value in os.environ.items() if name not in FOREIGN},
        **UNLIMITED,
        "DJANGO_SETTINGS_MODULE": "benchmarks.support.settings",
        "PITWALL_DATA_DIR": str(folder),
        "PITWALL_DEMO": str(int(demo)),
        "PITWALL_ADMIN_PASSWORD": secrets.token_urlsafe(),
        "PITWALL_DEMO_PASSWORD": secrets.token_urlsafe(),
        "PITWALL_WORKERS": "none",
        "PYTHONUNBUFFERED": "1",
    }
    if services:
        environment |= {
            **services,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "ALLOWED_HOSTS": "127.0.0.1",
            "CSRF_TRUSTED_ORIGINS": "http://127.0.0.1:8000",
            "PITWALL_REDIS_PREFIX": f"bench-{secrets.token_hex(4)}",
        }
    try:
        seeding = [sys.executable, "-m", "benchmarks.support.seed", str(users)]
        subprocess.run(tied(seeding), cwd=processes.ROOT, env=environment, check=True)
        yield Installation(folder, environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def pitwall(
    installation: Installation, *, number: int = 1, workers: str = "none", **variables: object
) -> Iterator[Running]:
    """Run `manage.py serve` with the publisher in its process, or separate if there is Redis.

    Args:
        number: number of web processes; more than one requires services.
        workers: "none", "inside" the web process, or "beside" it in a separate process.
        variables: for the publisher, as BENCH_<name>.
    """
    port = processes.free_port()
    control = processes.free_port(socket.SOCK_DGRAM)
    outside = "REDIS_URL" in installation.environment
    environment = {
        **installation.environment,
        **{f"BENCH_{name.upper()}": str(value) for name, value in variables.items()},
        "PITWALL_WORKERS": "inside" if workers == "inside" else "none",
    }
    inside = {} if outside else {"BENCH_CONTROL_PORT": str(control)}
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    command += ["--processes", str(number)]
    log = installation.folder / f"serve-{port}.log"
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(
            processes.running(
                command,
                environment | inside,
                log,
                lambda: b"is ready" in log.read_bytes(),
                killed_by=signal.SIGTERM,
            )
        )
        if outside:
            stack.enter_context(_publisher_beside(installation, control, environment))
        if workers == "beside":
            stack.enter_context(_workers_beside(installation, environment))
        yield Running(
            Target(
                port=port,
                path="/ws/dashboard/",
                control_port=control,
                ready_mark=CONFIRMED,
                messages=(SUBSCRIBE_ALL,),
                cookies=installation.cookies,
            ),
            process,
            log,
        )


@contextlib.contextmanager
def naive(module: str = "naive", **variables: object) -> Iterator[Running]:
    """Run FastAPI with a loop that awaits each send, on uvicorn with its default command."""
    asked = {f"BENCH_{name.upper()}": str(value) for name, value in variables.items()}
    with _uvicorn(f"benchmarks.peers.{module}:app", os.environ | asked) as running:
        yield running


@contextlib.contextmanager
def textbook(
    installation: Installation, module: str = "textbook", **variables: object
) -> Iterator[Running]:
    """Run Channels as in its documentation: AuthMiddlewareStack, group_send, on uvicorn."""
    asked = {f"BENCH_{name.upper()}": str(value) for name, value in variables.items()}
    environment = {**installation.environment, **asked}
    with _uvicorn(f"benchmarks.peers.{module}:application", environment) as running:
        yield running


@contextlib.contextmanager
def node_peer(name: str) -> Iterator[Running]:
    """Run `ws` or `socketio` on Node.js.

    Raises:
        node.NoNodeError: there is no Node.js, or its packages cannot be installed.
    """
    port, control = processes.free_port(), processes.free_port(socket.SOCK_DGRAM)
    environment = os.environ | {"BENCH_PORT": str(port), "BENCH_CONTROL_PORT": str(control)}
    command = [*node.commands().node, str(node.PEERS / f"{name}.mjs")]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "output.log"
        with processes.running(
            command, environment, log, lambda: b"ready" in log.read_bytes()
        ) as process:
            target = Target(port=port, path="/", control_port=control)
            if name == "socketio":
                target = Target(
                    port=port,
                    path="/socket.io/?EIO=4&transport=websocket",
                    control_port=control,
                    ready_mark='40{"sid"',
                    messages=("40",),
                    options=("-E",),
                )
            yield Running(target, process, log)


@contextlib.contextmanager
def _uvicorn(application: str, environment: Mapping[str, str]) -> Iterator[Running]:
    port, control = processes.free_port(), processes.free_port(socket.SOCK_DGRAM)
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port)]
    command += ["--log-level", "warning"]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "output.log"
        with processes.running(
            command,
            {**environment, "BENCH_CONTROL_PORT": str(control)},
            log,
            lambda: processes.listens(port),
        ) as process:
            yield Running(Target(port=port, path="/ws", control_port=control), process, log)


@contextlib.contextmanager
def _publisher_beside(
    installation: Installation, control: int, environment: Mapping[str, str]
) -> Iterator[None]:
    log = installation.folder / f"publisher-{control}.log"
    command = [sys.executable, "-m", "benchmarks.support.pitwall_ticks", str(control)]
    with processes.running(command, environment, log, lambda: b"ready" in log.read_bytes()):
        yield


@contextlib.contextmanager
def _workers_beside(installation: Installation, environment: Mapping[str, str]) -> Iterator[None]:
    command = [sys.executable, "manage.py", "runworker", "collectors", "metrics-simulator"]
    with processes.running(command, environment, installation.folder / "workers.log", lambda: True):
        yield
