"""Structured logs: one event a line, JSON in production and columns on a terminal."""

from __future__ import annotations

import logging.config
from typing import Any

import structlog

# What every line carries; the request id is bound by realtime.http for the time of a request.
SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def configuration(log_format: str) -> dict[str, Any]:
    """The logging.config dictionary for `log_format`: "json" or "console"."""
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
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "structured"},
        },
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "uvicorn": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
            # Lockouts and wrong hosts are logged with their own lines; 404s are no news.
            "django.request": {"level": "ERROR"},
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
