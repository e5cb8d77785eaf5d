"""Run a command with a private PostgreSQL and a private Redis, and stop both afterwards.

    python3 tools/services.py -- pytest -m services

Both listen on free ports of 127.0.0.1 with their data in a temporary folder, so services that
already run on the machine are not affected. The command finds them through DATABASE_URL and
REDIS_URL, together with throw-away values for the other settings that production requires. Without
a command, it prints the variables and runs the services until Ctrl-C. Everything ends with this
program, even if it is killed. Standard library only.
"""

import contextlib
import os
import pwd
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypedDict

import debian
from lifetimes import end_with, exit_on_signals, tied

START_DEADLINE = 60.0
STOP_DEADLINE = 20.0
COMMAND_STOP_DEADLINE = 30.0


class Identity(TypedDict, total=False):
    """The user that a program runs as, in subprocess's terms. Empty: the current user."""

    user: int
    group: int
    extra_groups: list[int]


def main(arguments: Sequence[str]) -> int:
    """Run the command after `--` (or wait) with the services up. Returns the exit code."""
    command = list(arguments[1:] if arguments[:1] == ["--"] else arguments)
    exit_on_signals()
    try:
        with running_services() as variables:
            if command:
                return _run(command, {**os.environ, **variables})
            for name, value in variables.items():
                print(f"export {name}={shlex.quote(value)}", flush=True)
            signal.pause()
    except debian.MissingProgramError as error:
        sys.exit(f"Pitwall: {error}")
    except KeyboardInterrupt:
        return 130
    return 0


def _run(command: list[str], environment: Mapping[str, str]) -> int:
    """Run the command until it exits, or end it with this program. Returns the exit code."""
    process = subprocess.Popen(tied(command, signal.SIGTERM), env=dict(environment))
    try:
        return process.wait()
    except KeyboardInterrupt:
        # In a terminal, Ctrl-C has reached the command as well, and it may be cleaning up.
        if sys.stdin is not None and sys.stdin.isatty():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(COMMAND_STOP_DEADLINE)
        raise
    finally:
        _end(process, signal.SIGTERM, COMMAND_STOP_DEADLINE)


@contextlib.contextmanager
def running_services(*, durable: bool = False) -> Iterator[dict[str, str]]:
    """Start both services. Yields the environment variables that point to them.

    `durable`: the database waits for the disk at each commit, as in production.

    Raises:
        debian.MissingProgramError: a server is not installed and cannot be installed.
        RuntimeError: a server did not start; the message contains the end of its log.
    """
    missing = [
        package
        for package, program in (("postgresql", postgres_program), ("redis-server", redis_program))
        if program() is None
    ]
    if missing:
        debian.install(missing, "The tests on real services")
    folder = Path(tempfile.mkdtemp(prefix="pitwall-services-"))
    folder.chmod(0o755)
    try:
        with contextlib.ExitStack() as stack:
            database = stack.enter_context(
                running_postgresql(folder / "postgresql", durable=durable)
            )
            redis = stack.enter_context(running_redis(folder / "redis"))
            yield {
                "DATABASE_URL": database,
                "REDIS_URL": redis,
                "SECRET_KEY": secrets.token_urlsafe(48),
                "ALLOWED_HOSTS": "127.0.0.1,localhost,testserver",
                "CSRF_TRUSTED_ORIGINS": "http://127.0.0.1:8000",
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running_postgresql(folder: Path, *, durable: bool = False) -> Iterator[str]:
    """Start a fresh PostgreSQL cluster in `folder`. Yields its DATABASE_URL."""
    programs = postgres_program()
    assert programs is not None
    identity = _unprivileged("postgres")
    _make_folder(folder, identity)
    _run_as(
        identity,
        [
            *(f"{programs}/initdb", "--pgdata", f"{folder}/data", "--username=pitwall"),
            *("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
        ],
        folder,
    )
    port = free_port()
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(folder),
        "max_connections": "200",
    }
    if not durable:
        # The data is temporary: it need not survive a power failure.
        settings |= {"fsync": "off", "full_page_writes": "off"}
    command = [f"{programs}/postgres", "-D", f"{folder}/data", "-p", str(port)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    address = ["--host=127.0.0.1", f"--port={port}", "--username=pitwall"]
    with _daemon(command, folder, identity, stop_signal=signal.SIGINT) as alive:
        _wait_until(
            lambda: _succeeds([f"{programs}/psql", *address, "--command=select 1", "postgres"]),
            alive,
            folder,
        )
        _run_as({}, [f"{programs}/createdb", *address, "pitwall"], folder)
        yield f"postgres://pitwall@127.0.0.1:{port}/pitwall"


@contextlib.contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Start an empty Redis that keeps nothing on disk. Yields its REDIS_URL."""
    program = redis_program()
    assert program is not None
    identity = _unprivileged("redis")
    _make_folder(folder, identity)
    port = free_port()
    command = [
        *(program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)),
        *("--save", "", "--appendonly", "no"),
    ]
    with _daemon(command, folder, identity, stop_signal=signal.SIGTERM) as alive:
        _wait_until(lambda: _redis_answers(port), alive, folder)
        yield f"redis://127.0.0.1:{port}/0"


def postgres_program() -> str | None:
    """Return the folder of PostgreSQL's server programs, newest version first."""

    def version(folder: Path) -> float:
        try:
            return float(folder.parent.name)
        except ValueError:
            return 0

    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=version, reverse=True)
    if on_path := shutil.which("initdb"):
        candidates.insert(0, Path(on_path).resolve().parent)
    return next((str(folder) for folder in candidates if (folder / "initdb").exists()), None)


def redis_program() -> str | None:
    """Return the path of a Redis server (or of Valkey, which is compatible)."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


def free_port() -> int:
    """Return an unused TCP port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _unprivileged(name: str) -> Identity:
    # initdb refuses to run as root, and Redis does not need to.
    if os.geteuid() != 0:
        return {}
    for candidate in (name, "nobody"):
        with contextlib.suppress(KeyError):
            account = pwd.getpwnam(candidate)
            return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return {}


def _make_folder(folder: Path, identity: Identity) -> None:
    folder.mkdir()
    if identity:
        os.chown(folder, identity["user"], identity["group"])


def _run_as(identity: Identity, command: list[str], folder: Path) -> None:
    result = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **identity,
    )
    if result.returncode:
        raise RuntimeError(f"{command[0]} failed: {result.stdout}")


@contextlib.contextmanager
def _daemon(
    command: list[str],
    folder: Path,
    identity: Identity,
    *,
    stop_signal: signal.Signals,
) -> Iterator[subprocess.Popen[bytes]]:
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the command: the services outlive it briefly.
            start_new_session=True,
            # Not `tied`: that would run Python as another user, which may not have access to it.
            preexec_fn=partial(end_with, os.getpid(), stop_signal),
            **identity,
        )
    try:
        yield process
    finally:
        _end(process, stop_signal, STOP_DEADLINE)


def _end(process: subprocess.Popen[bytes], stop_signal: signal.Signals, within: float) -> None:
    if process.poll() is None:
        process.send_signal(stop_signal)
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_DEADLINE
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            log = (folder / "log").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{process.args!r} did not start: {log}")
        time.sleep(0.05)


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _redis_answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
