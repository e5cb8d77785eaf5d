"""`manage.py serve`: run the web process, or several that share one port."""

from __future__ import annotations

import contextlib
import gc
import http.client
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from realtime.prepare import prepare
from realtime.process import folder_lock
from realtime.server import descriptors
from realtime.server.uvicorn import DrainingServer, configuration

logger = logging.getLogger(__name__)

BACKLOG = 2048
RESTART_PAUSE = 0.5
STOP_WITHIN = 6.0
START_WITHIN = 60.0
PARENT_CHECK = 1.0


class Command(BaseCommand):
    """Bind once, then serve: in this process, or in N children that inherit the socket."""

    help = "Serve Pitwall. With --processes N, N processes share the port (needs REDIS_URL)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        environment = settings.ENVIRONMENT
        parser.add_argument("--host", default=environment.host)
        parser.add_argument("--port", type=int, default=environment.port)
        parser.add_argument("--processes", type=int, default=1)
        parser.add_argument("--workers", choices=["inside", "none"], default=None)
        parser.add_argument(
            "--prepare", action="store_true", help="migrate and make the first users first"
        )
        parser.add_argument("--fd", type=int, default=None, help="serve on this inherited socket")
        parser.add_argument(
            "--parent", type=int, default=None, help="with --fd: end when this process has ended"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["workers"] is not None:
            settings.WORKERS_INSIDE = options["workers"] == "inside"
        if options["fd"] is not None:
            # getppid() may name another process: the parent may have died by now.
            parent = options["parent"] or os.getppid()
            threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
            self._serve(socket.socket(fileno=options["fd"]), lambda: None)
            return
        if options["processes"] > 1 and not settings.REDIS_URL:
            raise CommandError("--processes needs REDIS_URL: without it, processes hear nothing.")
        if options["processes"] > 1 and settings.WORKERS_INSIDE:
            raise CommandError("--processes needs --workers none: run manage.py runworker beside.")
        listener = self._bind(options["host"], options["port"])
        port = listener.getsockname()[1]
        try:
            with folder_lock.hold(f"serves it on port {port}", alone=True):
                self._prepare_and_serve(listener, options)
        except folder_lock.FolderInUse as error:
            raise CommandError(str(error)) from error

    def _prepare_and_serve(self, listener: socket.socket, options: dict[str, Any]) -> None:
        if options["prepare"]:
            prepare(self.stdout)
        ready = f"Pitwall is ready: http://{_shown(*listener.getsockname()[:2])}"
        if options["processes"] > 1:
            self._supervise(listener, options["processes"], ready)
        else:
            self._serve(listener, lambda: self._say(ready))

    def _bind(self, host: str, port: int) -> socket.socket:
        """Bind one socket for all processes; a second instance fails because the port is busy."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(BACKLOG)
        except OSError as error:
            raise CommandError(
                f"Port {port} on {host} cannot be used ({error.strerror}): "
                f"choose another one, for example PORT={port + 1} make run."
            ) from error
        listener.set_inheritable(True)
        return listener

    def _serve(self, listener: socket.socket, on_ready: Any) -> None:
        application = import_string(settings.ASGI_APPLICATION)
        logger.info(descriptors.make_room(settings.REALTIME_LIMITS))
        settings.PUBLIC_ORIGIN = settings.ENVIRONMENT.origin_at(*listener.getsockname()[:2])

        def ready() -> None:
            _exempt_from_collection()
            on_ready()

        server = DrainingServer(configuration(application), ready)
        # uvicorn re-raises the signal after its shutdown.
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
        if not server.started:
            raise CommandError("The server could not start; the lines above say why.")

    def _supervise(self, listener: socket.socket, count: int, ready: str) -> None:
        """Keep `count` children alive until told to stop; none outlives this process."""
        stopping = False

        def stop(signum: int, frame: Any) -> None:
            nonlocal stopping
            stopping = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        threads = max(1, settings.SEND_THREADS // count)
        children = [self._spawn(listener, threads) for _ in range(count)]
        answering = threading.Thread(target=self._say_once_answering, args=(listener, ready))
        answering.daemon = True
        answering.start()
        while not stopping:
            time.sleep(0.1)
            for index, child in enumerate(children):
                if child.poll() is not None and not stopping:
                    self.stderr.write(f"A web process ended with {child.returncode}; starting one.")
                    time.sleep(RESTART_PAUSE)
                    children[index] = self._spawn(listener, threads)
        _stop_all(children)

    def _spawn(self, listener: socket.socket, send_threads: int) -> subprocess.Popen[bytes]:
        workers = "inside" if settings.WORKERS_INSIDE else "none"
        command = [sys.executable, sys.argv[0], "serve"]
        command += ["--fd", str(listener.fileno()), "--parent", str(os.getpid())]
        command += ["--workers", workers]
        # A separate process group: Ctrl-C reaches the children only once, through their parent.
        environment = {**os.environ, "PITWALL_SEND_THREADS": str(send_threads)}
        return subprocess.Popen(
            command, pass_fds=[listener.fileno()], process_group=0, env=environment
        )

    def _say_once_answering(self, listener: socket.socket, line: str) -> None:
        """Request /healthz through the listener, and print `line` once a child answers."""
        host, port = _reachable(*listener.getsockname()[:2])
        connection = http.client.HTTPConnection(host, port, timeout=START_WITHIN)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                self._say(line)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _exempt_from_collection() -> None:
    """Exclude all objects that exist by now from garbage collection: they live until the end.

    Connections consist of long-lived objects, so many new ones trigger full collections. With all
    of Django in them, each stopped the event loop for tens of milliseconds; together they took a
    fifth of the CPU time of a handshake.
    """
    gc.collect()
    gc.freeze()


def _end_with_parent(parent: int) -> None:
    """Drain this process once its parent has ended: a killed parent cannot stop its children."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK)
    os.kill(os.getpid(), signal.SIGTERM)


def _reachable(host: str, port: int) -> tuple[str, int]:
    """Return the address at which this host reaches a socket bound to `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port


def _shown(host: str, port: int) -> str:
    host, port = _reachable(host, port)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _stop_all(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_WITHIN
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
