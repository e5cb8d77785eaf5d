"""Sends mail apart from the request: how long it takes must not tell that an account exists."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from django.core.mail import EmailMessage

logger = logging.getLogger(__name__)
_senders = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")


def send_later(message: EmailMessage) -> None:
    """Send `message` from another thread; a failure is logged."""
    _senders.submit(message.send).add_done_callback(_log_failure)


def _log_failure(sent: Future[int]) -> None:
    error = sent.exception()
    if error is not None:
        logger.error("Mail could not be sent.", exc_info=error)
