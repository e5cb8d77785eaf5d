"""What every page of the shell knows before its first request."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from accounts import policy, selectors
from accounts.models import Membership

THEMES = ("light", "dark")


def shell(request: HttpRequest) -> dict[str, Any]:
    """`theme` for the html element, and `boot`, worked out once and only if a template uses it."""
    return {"theme": theme_of(request), "boot": cache(partial(boot_of, request))}


def theme_of(request: HttpRequest) -> str:
    """light or dark as chosen on this device; empty: as the system has it."""
    theme = request.COOKIES.get("theme", "")
    return theme if theme in THEMES else ""


def boot_of(request: HttpRequest) -> dict[str, Any]:
    """The user, their workspaces, and what their role lets them do in the current one."""
    user = request.user
    memberships = list(selectors.memberships_of(user)) if user.is_authenticated else []
    current = _current(memberships, request.GET.get("workspace"))
    return {
        "user": (
            {"id": user.pk, "username": user.username, "is_staff": user.is_staff}
            if user.is_authenticated
            else None
        ),
        "workspace": _entry(current) if current else None,
        "workspaces": [_entry(membership) for membership in memberships],
        "language": get_language(),
        "theme": theme_of(request),
        "version": settings.VERSION,
        "permissions": sorted(policy.actions_of(current.role)) if current else [],
    }


def _current(memberships: list[Membership], slug: str | None) -> Membership | None:
    chosen = [membership for membership in memberships if membership.workspace.slug == slug]
    return next(iter(chosen or memberships), None)


def _entry(membership: Membership) -> dict[str, str]:
    return {
        "slug": membership.workspace.slug,
        "name": membership.workspace.name,
        "role": membership.role,
        "role_name": membership.get_role_display(),
    }
