"""Each process reports its numbers to all others, and continues whatever happens."""

import asyncio

import pytest

from realtime.database import threads
from realtime.models import Process
from realtime.process import gauges


@pytest.fixture
def broken_once():
    """Register a gauge that fails on its first read."""
    failures = [ZeroDivisionError("a bug")]

    def read():
        if failures:
            raise failures.pop()
        return 7

    withdraw = gauges.gauge("of the test", read)
    yield
    withdraw()


async def test_a_number_that_cannot_be_read_does_not_end_the_report(broken_once, probe_server):
    async with asyncio.timeout(10):
        while True:
            reported = await threads.call(lambda: list(Process.alive()))
            if any(process.values.get("of the test") == 7 for process in reported):
                break
            await asyncio.sleep(0.05)
