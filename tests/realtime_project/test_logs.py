"""The log during an outage of Redis: one line says that Redis cannot be reached."""

import asyncio
import logging
import logging.config

import pytest
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from realtime.streams import outbox
from realtime_project import logs
from realtime_project.logs import DatabaseAway, OncePerOutage

COMPLAINT = "Unexpected exception in receive task"


@pytest.fixture
def now(monkeypatch):
    """Replace the filter's clock by a list of one number."""
    clock = [1000.0]
    monkeypatch.setattr(logs.time, "monotonic", lambda: clock[0])
    return clock


@pytest.fixture
def lines():
    """Return a logger with the filter, and its lines: (level, text, has a traceback)."""
    written: list[tuple[str, str, bool]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append((record.levelname, record.getMessage(), bool(record.exc_info)))

    logger = logging.Logger("channels_redis.pubsub")
    logger.addFilter(OncePerOutage())
    logger.addHandler(Kept())
    return logger, written


def complain(logger, error):
    try:
        raise error
    except type(error):
        logger.exception(COMPLAINT)


def test_an_outage_of_redis_is_one_plain_line(lines, now):
    logger, written = lines
    for _ in range(60):
        complain(logger, RedisConnectionError("refused"))
        now[0] += 1
    assert written == [
        ("WARNING", "Redis cannot be reached; it is tried again: refused", False),
    ]


def test_the_next_outage_is_the_next_line(lines, now):
    logger, written = lines
    for _ in range(2):
        complain(logger, ConnectionRefusedError("refused"))
        now[0] += 1
        complain(logger, TimeoutError("slow"))
        now[0] += OncePerOutage.QUIET + 1
    assert len(written) == 2


def test_another_error_keeps_its_traceback_every_time(lines, now):
    logger, written = lines
    complain(logger, RedisConnectionError("refused"))
    for _ in range(2):
        complain(logger, ZeroDivisionError("a bug"))
    assert written[1:] == [("ERROR", COMPLAINT, True)] * 2


@pytest.mark.parametrize("name", ["channels_redis.pubsub", "realtime.streams.layer_groups"])
def test_the_configuration_puts_it_where_redis_is_complained_of(name):
    loggers = logs.configuration("json")["loggers"]
    assert loggers[name]["filters"] == ["once_per_outage"]


async def test_lost_wake_ups_are_two_lines_however_long_it_lasts(monkeypatch, caplog):
    caplog.set_level(logging.INFO, "realtime.streams.outbox")
    away = True
    taken = asyncio.Event()

    class Layer:
        async def group_send(self, group, message):
            if away:
                raise RedisConnectionError("refused")
            taken.set()

    monkeypatch.setattr(outbox, "get_channel_layer", Layer)
    sending = outbox.Outbox(asyncio.get_running_loop())
    for _ in range(5):
        sending.put([("group", {})])
        while sending.busy:
            await asyncio.sleep(0)
    away = False
    sending.put([("group", {})])
    await taken.wait()
    while sending.busy:
        await asyncio.sleep(0)
    first, last = (record.getMessage() for record in caplog.records)
    assert "takes no messages" in first
    assert "5 wake-ups were lost" in last


def test_an_outage_of_the_database_is_one_plain_line_and_other_errors_stay_whole(now):
    written: list[tuple[str, str, bool]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append((record.levelname, record.getMessage(), bool(record.exc_info)))

    logger = logging.Logger("django.request")
    logger.addFilter(DatabaseAway())
    logger.addHandler(Kept())
    for error in [OperationalError("gone")] * 3 + [ZeroDivisionError("a bug")]:
        complain(logger, error)
        now[0] += 1
    assert written == [
        ("WARNING", "The database cannot be reached: gone", False),
        ("ERROR", COMPLAINT, True),
    ]
