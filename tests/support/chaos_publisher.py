"""Commits events to a few streams: python -m tests.support.chaos_publisher SECONDS RATE.

RATE is the maximum number of commits a second, of one to three events each. Runs in a separate
process, as a worker would. Clients must end up with exactly its commits.
"""

import asyncio
import os
import random
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.support.chaos")

import django

django.setup()

from django.db import InterfaceError, OperationalError

from realtime.database import threads
from realtime.streams import publish
from realtime.streams.log import StreamKey
from realtime.streams.unit_of_work import emit, unit_of_work
from tests.realtime.endpoints import Note

STREAMS = [StreamKey(1, f"room:{number}") for number in range(5)]


@unit_of_work
def commit(number: int) -> None:
    for part in range(random.randint(1, 3)):
        emit(random.choice(STREAMS), Note(text=f"{number}.{part}"))


async def run(seconds: float, rate: float) -> None:
    publish.bind(asyncio.get_running_loop())
    until = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until:
        number += 1
        try:
            await threads.call(commit, number)
        except (OperationalError, InterfaceError):
            await asyncio.sleep(0.2)
        await asyncio.sleep(1 / rate)


if __name__ == "__main__":
    asyncio.run(run(float(sys.argv[1]), float(sys.argv[2])))
