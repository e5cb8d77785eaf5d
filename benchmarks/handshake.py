"""Benchmark of handshakes a second: with a session, without one, and with Channels' tutorial code.

    python -m benchmarks.handshake
    python -m benchmarks.handshake --smoke    # a moment, to see that it still runs

It simulates the reconnects after a restart: every socket belongs to a different user with a
session, 32 upgrades are in flight, and each counts until its 101. The CPU time of a handshake is
that of all threads of the server; it hardly depends on other load on the machine. The textbook is
AuthMiddlewareStack with database sessions, on the same Django, users, sessions and database. On
SQLite and on PostgreSQL.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from benchmarks.support import client, command_line, contenders, processes, services
from benchmarks.support.client import Load, Target
from benchmarks.support.contenders import Installation, Running
from benchmarks.support.pairs import Result, alternate, middle, ratio
from benchmarks.support.tables import table, verdict

SESSION = "Pitwall, session"
AGAIN = "Pitwall, session, seen lately"
ANONYMOUS = "Pitwall, no credentials"
TEXTBOOK = "AuthMiddlewareStack, session"
OPEN = "Channels, no credentials"
# Seconds that the sockets stay open while the server's CPU time is read.
HOLD = 0.2


def main() -> None:
    smoke = command_line.smoke(__doc__)
    sockets, rounds = (50, 1) if smoke else (1000, 5)
    with contenders.installed(sockets) as installation:
        compare("SQLite, one process", installation, sockets, rounds)
    if smoke:
        return
    with (
        services.backing() as backing,
        contenders.installed(sockets, services=backing) as installation,
    ):
        compare("PostgreSQL and Redis, one process", installation, sockets, rounds)


def compare(title: str, installation: Installation, sockets: int, rounds: int) -> None:
    """Run all ways in alternation and print the table."""
    load = Load(sockets, at_once=32)
    with contenders.textbook(installation) as peer:
        account = replace(peer.target, path="/account", cookies=installation.cookies)
        runs = {
            SESSION: partial(crowd, installation, load),
            AGAIN: partial(crowd, installation, load, again=True),
            ANONYMOUS: partial(crowd, installation, load, anonymous=True),
            TEXTBOOK: partial(connect, replace(peer, target=account), load),
            OPEN: partial(connect, peer, load),
        }
        results = alternate(runs, rounds)
    targets = {
        TEXTBOOK: verdict(ratio(results, SESSION, TEXTBOOK, per_second), at_least=2.5),
        ANONYMOUS: verdict(ratio(results, SESSION, ANONYMOUS, per_second), at_least=0.6),
    }
    rows = [
        (
            name,
            middle(found, per_second),
            middle(found, lambda result: float(result["handshake_p50_ms"])),
            middle(found, lambda result: float(result["handshake_p99_ms"])),
            middle(found, lambda result: float(result["cpu_us"])),
            ratio(results, SESSION, name, per_second),
            targets.get(name, ""),
        )
        for name, found in results.items()
    ]
    print(f"\n{title}: {sockets:,} sockets, 32 upgrades in flight\n")
    print(table(("", "handshakes/s", "p50 ms", "p99 ms", "CPU µs", "Pitwall ×", "target"), rows))


def crowd(
    installation: Installation, load: Load, *, again: bool = False, anonymous: bool = False
) -> Result:
    """Connect many users to a server that has just started; with `again`, for the second time."""
    with contenders.pitwall(installation) as server:
        target = bare(server.target)
        if anonymous:
            target = replace(target, cookies=None)
        server = replace(server, target=target)
        if again:
            connect(server, load)
        return connect(server, load)


def bare(target: Target) -> Target:
    """Return the target without a subscription, for the handshake alone."""
    return replace(target, ready_mark=None, messages=())


def connect(server: Running, load: Load) -> Result:
    """Connect all users. Adds `cpu_us`, the server's CPU time per handshake."""
    before = processes.cpu_seconds(server.process.pid)
    target = replace(server.target, control_port=None)
    with client.connected(target, replace(load, hold=HOLD)) as result:
        used = processes.cpu_seconds(server.process.pid) - before
    return {**result, "cpu_us": used / load.connections * 1e6}


def per_second(result: Result) -> float:
    return float(result["handshakes_per_second"])


if __name__ == "__main__":
    main()
