"""The real server in separate processes, started and stopped as an operator would."""

import asyncio
import contextlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.support.ports import free_port
from tools.lifetimes import tied

ROOT = Path(__file__).resolve().parents[2]
# Generous, for a very busy machine: a failed start ends the process and is noticed at once.
READY_WITHIN = 180.0
STOP_WITHIN = 10.0
ANSWERS_WITHIN = 30.0

SETTINGS = "realtime_project.settings"
ADMIN_PASSWORD = "telemetry-of-the-admin"
DEMO_PASSWORD = "telemetry-of-the-demo"
WORKERS = ("collectors", "metrics-simulator", "retention")
# Access tokens live for fifteen minutes, and a server issues only a limited number a minute.
TOKEN_GOOD_FOR = 600.0
# Creating one user takes as long as creating several.
PEOPLE_AT_ONCE = 8

# Variables that the machine or the surrounding run may have set and a tested server must not
# inherit.
FOREIGN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS")


async def kill_web_processes(server: "Server", every: float, seconds: float) -> int:
    """Kill one web process with SIGKILL every `every` seconds. Returns the number of kills."""
    assert server.web is not None
    supervisor = psutil.Process(server.web.pid)
    until = time.monotonic() + seconds
    killed = 0
    while time.monotonic() + every < until:
        await asyncio.sleep(every)
        if children := supervisor.children():
            random.choice(children).kill()
            killed += 1
    return killed


@dataclass(frozen=True)
class Person:
    """A member of the workspace that no other test uses; the password is DEMO_PASSWORD.

    `token` is an API token.
    """

    username: str
    user_id: int
    token: str


@dataclass
class Server:
    """An installation under test: its address, its data, its processes.

    Attributes:
        port: TCP port of 127.0.0.1 that the web processes listen on.
        data_dir: data folder, which also contains the processes' output.
        environment: the processes' environment variables.
        serve_options: arguments after `manage.py serve`.
        workers: names of workers that run in separate processes.
    """

    port: int
    data_dir: Path
    environment: Mapping[str, str]
    serve_options: Sequence[str] = ()
    workers: Sequence[str] = ()
    web: subprocess.Popen[bytes] | None = None
    _worker_processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _tokens: dict[str, tuple[float, str]] = field(default_factory=dict)
    _strangers: list[Person] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """Return the web processes' output so far."""
        return self._log_of("serve")

    @property
    def worker_output(self) -> str:
        """Return the output so far of workers in separate processes."""
        return self._log_of("runworker")

    def _log_of(self, command: str) -> str:
        path = self.data_dir / f"{command}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start everything, and return once the server reports that it is ready."""
        for worker in self.workers:
            self._worker_processes.append(self._spawn("runworker", worker))
        self.web = self._spawn("serve", "--port", str(self.port), *self.serve_options)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Return once /readyz answers 200 and the address has been announced.

        Raises:
            AssertionError: it took too long, or the process ended; includes its output.
        """
        deadline = time.monotonic() + READY_WITHIN
        while not (self._answers() and "Pitwall is ready" in self.output):
            assert self.web is not None
            assert self.web.poll() is None, f"the server ended by itself:\n{self.output}"
            assert time.monotonic() < deadline, f"the server is not ready:\n{self.output}"
            time.sleep(0.05)

    def stop(self, signal_number: signal.Signals = signal.SIGTERM) -> float:
        """Stop the web processes, then the workers. Returns the seconds the former took."""
        assert self.web is not None
        began = time.monotonic()
        _end(self.web, signal_number)
        took = time.monotonic() - began
        self.web = None
        for process in self._worker_processes:
            _end(process, signal.SIGTERM)
        self._worker_processes.clear()
        return took

    def token(self, username: str = "alice") -> str:
        """Return a JWT of a demo user; the same one is reused for some minutes."""
        asked_at, token = self._tokens.get(username, (float("-inf"), ""))
        if time.monotonic() - asked_at > TOKEN_GOOD_FOR:
            password = ADMIN_PASSWORD if username == "admin" else DEMO_PASSWORD
            body = json.dumps({"username": username, "password": password}).encode()
            request = urllib.request.Request(
                f"{self.url}/api/v1/token/", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN) as answer:
                token = str(json.load(answer)["access"])
            self._tokens[username] = time.monotonic(), token
        return token

    def new_person(self) -> Person:
        """Return a user whom no other test has touched: no unread messages, no connections."""
        if not self._strangers:
            names = [f"p{secrets.token_hex(4)}" for _ in range(PEOPLE_AT_ONCE)]
            made = subprocess.run(
                tied([sys.executable, "-m", "tests.support.new_people", *names]),
                cwd=ROOT,
                env=dict(self.environment),
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            self._strangers = [Person(**json.loads(line)) for line in made.stdout.splitlines()]
        return self._strangers.pop()

    def manage(self, *arguments: str) -> None:
        """Run a management command of this installation to completion."""
        process = self._spawn(*arguments)
        assert process.wait(READY_WITHIN) == 0, (self.data_dir / f"{arguments[0]}.log").read_text()

    def _spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        # `serve` ends its web processes on SIGTERM.
        if_killed = signal.SIGTERM if arguments[0] == "serve" else signal.SIGKILL
        with open(self.data_dir / f"{arguments[0]}.log", "ab") as log:
            return subprocess.Popen(
                tied([sys.executable, "manage.py", *arguments], if_killed),
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Signals to the tests must not reach the server.
                start_new_session=True,
            )

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextlib.contextmanager
def embedded(data_dir: Path, *, settings: str = SETTINGS) -> Iterator[Server]:
    """Run the same as `make run`: one process, SQLite, workers inside."""
    environment = {**_clean_environment(data_dir), "DJANGO_SETTINGS_MODULE": settings}
    yield from _running(Server(free_port(), data_dir, environment, ["--prepare"]))


@contextlib.contextmanager
def production(
    data_dir: Path,
    *,
    processes: int = 2,
    workers: Sequence[str] = WORKERS,
    settings: str = SETTINGS,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run on PostgreSQL and Redis: several web processes, each worker in its own process.

    DATABASE_URL and REDIS_URL of the surrounding run name the services (tools/services.py sets
    them); the installation gets a fresh database there. `variables` are added to its environment.
    """
    port = free_port()
    with _fresh_database(os.environ["DATABASE_URL"]) as database_url:
        environment = {
            **_clean_environment(data_dir),
            "DJANGO_SETTINGS_MODULE": settings,
            "DATABASE_URL": database_url,
            "REDIS_URL": os.environ["REDIS_URL"],
            "SECRET_KEY": secrets.token_urlsafe(48),
            "ALLOWED_HOSTS": "127.0.0.1",
            "CSRF_TRUSTED_ORIGINS": f"http://127.0.0.1:{port}",
            **(variables or {}),
        }
        server = Server(port, data_dir, environment, ["--processes", str(processes)], workers)
        server.manage("prepare")
        yield from _running(server)


def _running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        if server.web is not None:
            server.stop()


def _clean_environment(data_dir: Path) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN and not name.startswith("PITWALL_")
    }
    return {
        **inherited,
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "PITWALL_DATA_DIR": str(data_dir),
        "PITWALL_DEMO": "1",
        "PITWALL_ADMIN_PASSWORD": ADMIN_PASSWORD,
        "PITWALL_DEMO_PASSWORD": DEMO_PASSWORD,
        "PYTHONUNBUFFERED": "1",
    }


@contextlib.contextmanager
def _fresh_database(url: str) -> Iterator[str]:
    import psycopg

    name = f"pitwall_{secrets.token_hex(4)}"

    def execute(statement: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _end(process: subprocess.Popen[bytes], signal_number: signal.Signals) -> None:
    process.send_signal(signal_number)
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise AssertionError(f"process {process.args!r} did not end by itself") from None
