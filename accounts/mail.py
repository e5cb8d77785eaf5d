"""Sends mail outside the request, whose time must not reveal whether an account exists."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template import loader

logger = logging.getLogger(__name__)
_senders = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")


def send_later(message: EmailMessage) -> None:
    """Send `message` from another thread; a failure is logged."""
    _senders.submit(message.send).add_done_callback(_log_failure)


def tell(address: str, template: str, **context: object) -> None:
    """Notify a user of a change to their account by mail, on commit.

    Args:
        address: if empty, no mail is sent.
        template: a text template whose first line is the subject.
    """
    if not address:
        return
    text = loader.render_to_string(template, {"origin": settings.PUBLIC_ORIGIN, **context})
    subject, _line, body = text.strip().partition("\n")
    message = EmailMessage(subject.strip(), body.strip() + "\n", None, [address])
    transaction.on_commit(lambda: send_later(message))


def _log_failure(sent: Future[int]) -> None:
    error = sent.exception()
    if error is not None:
        logger.error("Mail could not be sent.", exc_info=error)
