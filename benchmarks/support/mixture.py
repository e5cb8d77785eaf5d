"""The traffic of the mixed benchmark, the same for every contender. Pure.

There are ten rounds a second. Each has one tick of all metrics, of which a socket follows some, a
message in each of five rooms, and a push to each of twenty users.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

ROUNDS_A_SECOND = 10
ROOMS = 20
MESSAGES = 5
PUSHES = 20
TICK, MESSAGE, PUSH = 0, 1, 2
TEXT = "Purple sector in the middle one, box this lap, confirm tyres. " * 2
METRICS = tuple(f"sector_time_{n:02}" for n in range(24))
SELECTIONS = 8


def selection(follower: int) -> list[str]:
    """Return the metrics that a socket follows: one of eight sets, each with q and t."""
    return ["q", "t", *METRICS[follower % SELECTIONS :: SELECTIONS], METRICS[-1 - follower % 4]]


def room(follower: int) -> int:
    return follower % ROOMS


def first_messages(followers: int) -> tuple[str, ...]:
    """Return the first message of each socket. A socket's number is also its user's."""
    return tuple(
        json.dumps(
            {"action": "follow", "metrics": selection(n), "room": room(n), "number": n},
        )
        for n in range(followers)
    )


def readings(number: int, at: float) -> dict[str, float]:
    """Return the values of one tick."""
    return {"q": number, "t": at} | {name: 20.5 + n for n, name in enumerate(METRICS)}


def rooms_of(number: int) -> Iterator[int]:
    """Yield the rooms that get a message in this round."""
    return ((number * MESSAGES + n) % ROOMS for n in range(MESSAGES))


def followers_of(number: int, followers: int) -> Iterator[int]:
    """Yield the users who get a push in this round."""
    return ((number * PUSHES + n) % followers for n in range(PUSHES))


def expected(rounds: int, followers: int) -> dict[int, int]:
    """Return how many messages of each kind all sockets together receive in `rounds` rounds."""
    in_room = [sum(room(n) == r for n in range(followers)) for r in range(ROOMS)]
    messages = sum(in_room[r] for number in range(rounds) for r in rooms_of(number))
    return {TICK: rounds * followers, MESSAGE: messages, PUSH: rounds * PUSHES}
