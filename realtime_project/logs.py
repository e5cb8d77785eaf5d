"""Structured logs: one event per line, as JSON in production and in columns on a terminal."""

from __future__ import annotations

import logging.config
import time
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

# Fields of every line; realtime.http.middleware binds the request id for the time of a request.
SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


UNREACHABLE = (OSError, RedisConnectionError, RedisTimeoutError)


class OncePerOutage(logging.Filter):
    """Logs one plain line per Redis outage; channels-redis logs a traceback every second.

    Repeated messages count as one outage until there has been none for `QUIET` seconds. Other
    errors pass unchanged.
    """

    QUIET = 5.0

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, UNREACHABLE):
            return True
        complaint, now = (record.name, str(record.msg)), time.monotonic()
        last, self._last[complaint] = self._last.get(complaint), now
        if error is not None:
            record.msg, record.args = "Redis cannot be reached; it is tried again: %s", (error,)
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return last is None or now - last > self.QUIET


class DatabaseAway(logging.Filter):
    """Logs one plain line per database outage; Django logs a traceback for every request.

    Other errors pass unchanged.
    """

    QUIET = 5.0

    def __init__(self) -> None:
        super().__init__()
        self._last = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, (OperationalError, InterfaceError)):
            return True
        last, self._last = self._last, time.monotonic()
        record.msg, record.args = "The database cannot be reached: %s", (error,)
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        return self._last - last > self.QUIET


def configuration(log_format: str) -> dict[str, Any]:
    """Return the logging.config dictionary for `log_format`: "json" or "console"."""
    renderer: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [structlog.dev.ConsoleRenderer(colors=False)]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED_PROCESSORS,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *renderer,
                ],
            }
        },
        "filters": {
            "once_per_outage": {"()": OncePerOutage},
            "database_away": {"()": DatabaseAway},
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "structured"},
        },
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "uvicorn": {"level": "WARNING"},
            "channels_redis.pubsub": {"filters": ["once_per_outage"]},
            "realtime.streams.layer_groups": {"filters": ["once_per_outage"]},
            # Lockouts and wrong hosts have their own log lines; 404s are not worth one.
            "django.request": {"level": "ERROR", "filters": ["database_away"]},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Set up logging and structlog (Django's LOGGING_CONFIG hook)."""
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[*SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
