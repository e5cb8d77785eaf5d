"""Mail of an installation that has no mail server."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

logger = logging.getLogger(__name__)


class NoMailServer(BaseEmailBackend):
    """Logs that a mail was not sent, without its text: it may hold a link that resets a password.

    Only the embedded mode keeps mails as files, for the person who runs it.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            logger.warning("Not sent, because EMAIL_URL is not set: %r", message.subject)
        return len(email_messages)
