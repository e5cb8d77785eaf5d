"""Template context of every page of the shell."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from accounts import policy, selectors
from accounts.models import Membership
from accounts.shell.access import Visitor
from accounts.shell.menu import Menu, menu_of

THEMES = ("light", "dark")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the shell, computed once per page and only if a template uses it.

    `theme` is for the html element, `navigation` holds the pages, `boot` the data for scripts.
    """
    visitor = cache(partial(visitor_of, request))
    navigation = cache(lambda: menu_of(visitor(), request.path, request.COOKIES))
    return {
        "theme": theme_of(request),
        "navigation": navigation,
        "boot": cache(lambda: boot_of(request, visitor(), navigation())),
    }


def theme_of(request: HttpRequest) -> str:
    """Return the theme chosen on this device, `light` or `dark`; empty to follow the system."""
    theme = request.COOKIES.get("theme", "")
    return theme if theme in THEMES else ""


def visitor_of(request: HttpRequest) -> Visitor:
    """Return the request's user in the workspace of `?workspace=`, else in their default one."""
    user = request.user
    memberships = list(selectors.memberships_of(user)) if user.is_authenticated else []
    return Visitor(user, memberships, _current(memberships, request.GET.get("workspace")))


def boot_of(request: HttpRequest, visitor: Visitor, navigation: Menu) -> dict[str, Any]:
    """Return the user, their workspaces, their permissions in the current one, and the pages."""
    user, current = visitor.user, visitor.current
    return {
        "user": (
            {"id": user.pk, "username": user.username, "is_staff": user.is_staff}
            if user.is_authenticated
            else None
        ),
        "workspace": _entry(current) if current else None,
        "workspaces": [_entry(membership) for membership in visitor.memberships],
        "pages": navigation.links(),
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
