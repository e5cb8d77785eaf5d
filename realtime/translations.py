"""Translation of errors into the reader's language, at the two edges.

Services describe errors in plain English, wherever they run. The translations are in the catalogue
of locale/, under the whole sentence, or under the template of a Reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, parse_cookie
from django.utils.translation import get_language_from_request, gettext, override

from realtime.errors import AppError, Reason


def translated(text: str) -> str:
    """Return a sentence in the active language; unchanged if the catalogue does not have it."""
    if isinstance(text, Reason):
        return gettext(text.template) % text.values
    # The empty string is the key of the catalogue's header.
    return str(gettext(text)) if text else ""


def translated_errors(errors: Any) -> Any:
    """Return errors by field in the active language; `errors` may be nested."""
    if isinstance(errors, dict):
        return {name: translated_errors(reasons) for name, reasons in errors.items()}
    if isinstance(errors, list | tuple):
        return [translated_errors(reason) for reason in errors]
    return translated(errors) if isinstance(errors, str) else errors


def wanted_language(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the language of a request's client: that of its cookie, else one that it accepts."""
    given = {name: value.decode("latin-1") for name, value in headers}
    request = HttpRequest()
    request.COOKIES = parse_cookie(given.get(b"cookie", ""))
    request.META["HTTP_ACCEPT_LANGUAGE"] = given.get(b"accept-language", "")
    return get_language_from_request(request)


def error_in(language: str, error: AppError) -> AppError:
    """Return a copy of the error in `language` (a code of Django's)."""
    with override(language):
        message, errors = translated(error.message), translated_errors(error.errors)
    told = AppError(message, errors=errors, retry_after=error.retry_after)
    told.code, told.status = error.code, error.status
    return told
