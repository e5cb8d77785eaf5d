"""Publishes to the probe endpoint's streams: python -m tests.support.tick_publisher RATE BYTES.

Publishes RATE values a second of BYTES each on the latest stream, each with its time, and an event
of the log stream LOG with every tenth, until it is ended. Runs in a separate process, as a worker
does.
"""

import asyncio
import os
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.support.probing")

import django

django.setup()

from realtime.database import threads
from realtime.streams import publish
from realtime.streams.log import StreamKey
from realtime.streams.unit_of_work import emit, unit_of_work
from tests.realtime.endpoints import VALUES, Note

LOG = "room:ops"


@unit_of_work
def commit(text: str) -> None:
    emit(StreamKey(1, LOG), Note(text=text))


async def run(rate: float, size: int) -> None:
    publish.bind(asyncio.get_running_loop())
    padding = "x" * size
    began, number = time.monotonic(), 0
    while True:
        number += 1
        value = {"tick": {"at": time.time(), "padding": padding}}
        publish.publish_latest(StreamKey(1, VALUES), value)
        if number % 10 == 0:
            await threads.call(commit, f"{number} {padding}")
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))


if __name__ == "__main__":
    asyncio.run(run(float(sys.argv[1]), int(sys.argv[2])))
