"""A system check: every page of the navigation has a valid URL."""

from __future__ import annotations

from typing import Any

from django.core import checks
from django.urls import NoReverseMatch, reverse

from accounts.shell import pages


@checks.register(checks.Tags.urls)
def page_urls(**_options: Any) -> list[checks.CheckMessage]:
    """Check that each page's URL names exist and take no arguments."""
    return [
        checks.Error(
            f"Page {page.name!r}: there is no URL named {url_name!r} without arguments.",
            id="accounts.E001",
        )
        for page in pages.registered()
        for url_name in page.url_names
        if not _leads_somewhere(url_name)
    ]


def _leads_somewhere(url_name: str) -> bool:
    try:
        reverse(url_name)
    except NoReverseMatch:
        return False
    return True
