"""Pages that are refused: an AppError that leaves a page's view becomes a page that says so."""

from __future__ import annotations

import math

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from realtime.errors import AppError
from realtime.translations import translated


class RefusalPages(MiddlewareMixin):
    """Answers an AppError with its status, sentence and Retry-After; REST has its own handler."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, AppError) or (error.status >= 500 and error.retry_after is None):
            return None
        shown = {
            "message": translated(error.message),
            "status": error.status,
            "retry_after": error.retry_after,
        }
        page = render(request, "not_now.html", shown, status=error.status)
        if error.retry_after is not None:
            page["Retry-After"] = str(math.ceil(error.retry_after))
        return page
