"""What errors say, in the language of whoever reads it: the two edges ask here.

Services say what is wrong in plain English, wherever they run. Its translations are in the
catalogue of locale/, under the whole sentence, or under the template of a Reason.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext, override

from realtime.errors import AppError, Reason


def translated(text: str) -> str:
    """A sentence in the active language; as it is where the catalogue does not have it."""
    if isinstance(text, Reason):
        return gettext(text.template) % text.values
    # The empty message is the catalogue's own head.
    return str(gettext(text)) if text else ""


def translated_errors(errors: Any) -> Any:
    """What is wrong by field, in the active language; `errors` may be nested."""
    if isinstance(errors, dict):
        return {name: translated_errors(reasons) for name, reasons in errors.items()}
    if isinstance(errors, list | tuple):
        return [translated_errors(reason) for reason in errors]
    return translated(errors) if isinstance(errors, str) else errors


def error_in(language: str, error: AppError) -> AppError:
    """The error as it is told to somebody who reads `language` (a code of Django's)."""
    with override(language):
        message, errors = translated(error.message), translated_errors(error.errors)
    told = AppError(message, errors=errors, retry_after=error.retry_after)
    told.code, told.status = error.code, error.status
    return told
