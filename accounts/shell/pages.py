"""The registry of pages: each app declares its pages, and the navigation shows them.

An app declares its pages in its `navigation.py`, which its `AppConfig.ready` imports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise

from accounts.shell.access import Access, members
from accounts.shell.badges import Badge

ICONS = "icons.svg"
# Names are used in a cookie and in element ids.
NAME = re.compile(r"[a-z][a-z0-9-]*")
SYMBOL = re.compile(r'<symbol id="([^"]+)"')


class MenuPart(StrEnum):
    """The part of the navigation that a page of the first level is in."""

    MAIN = "main"
    FOOT = "foot"


@dataclass(frozen=True)
class Page:
    """A page of the navigation.

    Args:
        name: identifies it among all pages; lower-case letters, digits and hyphens.
        label: its visible name, a lazy translation.
        url_name: the name of a URL without arguments. All paths below it count as this page.
        covers: names of further such URLs that count as this page.
        icon: a symbol of static/icons.svg; optional for pages of the second level.
        order: its position among its siblings, ascending. In the main part: 10 dashboards,
            20 alerts, 30 exchange, 40 chat, 50 inbox, 60 jobs; at the foot: 10 operator console,
            20 settings.
        access: who sees it.
        badge: the number next to its name.
        place: of a page of the first level.
        parent: the name of its parent page, which makes it a page of the second level.
        has_columns: the page has its own side columns, so the navigation starts as a rail.
        in_shell: False for a page outside the shell; its URL carries no workspace.
    """

    name: str
    label: str | Promise
    url_name: str
    icon: str = ""
    order: int = 0
    access: Access = members
    badge: Badge | None = None
    place: MenuPart = MenuPart.MAIN
    parent: str = ""
    covers: tuple[str, ...] = ()
    has_columns: bool = False
    in_shell: bool = True

    @property
    def url_names(self) -> tuple[str, ...]:
        """Return the names of all URLs that count as this page."""
        return (self.url_name, *self.covers)


_pages: dict[str, Page] = {}


def register(*pages: Page) -> None:
    """Add pages to the navigation; called when Django starts, parents before their children.

    Raises:
        ImproperlyConfigured: the name is taken or malformed, the icon or the parent is unknown.
    """
    for page in pages:
        problem = _problem_of(page)
        if problem:
            raise ImproperlyConfigured(f"Page {page.name!r} ({page.url_name}): {problem}")
        _pages[page.name] = page


def registered() -> Iterable[Page]:
    """Return all pages, in the order of registration."""
    return tuple(_pages.values())


def first_level(place: MenuPart) -> list[Page]:
    """Return the pages of the first level in that part, in order."""
    return _in_order(page for page in _pages.values() if not page.parent and page.place == place)


def below(name: str) -> list[Page]:
    """Return the children of the page of that name, in order."""
    return _in_order(page for page in _pages.values() if page.parent == name)


def _in_order(pages: Iterable[Page]) -> list[Page]:
    return sorted(pages, key=lambda page: page.order)


def _problem_of(page: Page) -> str:
    if not NAME.fullmatch(page.name):
        return "a name is lower-case letters, digits and hyphens, and begins with a letter."
    if page.name in _pages:
        return f"the name is taken by the page of {_pages[page.name].url_name}."
    if page.parent:
        parent = _pages.get(page.parent)
        if parent is None:
            return f"no page {page.parent!r} is registered for it to be below."
        if parent.parent:
            return f"{page.parent!r} is below another page itself; there are two levels."
    elif not page.icon:
        return "a page of the first level needs an icon."
    if page.icon and page.icon not in known_icons():
        return (
            f"there is no icon {page.icon!r} in static/{ICONS}; "
            "add it to frontend/tools/build-icons.mjs and run that."
        )
    return ""


@cache
def known_icons() -> frozenset[str]:
    """Return the names of the symbols in static/icons.svg."""
    path = finders.find(ICONS)
    if not isinstance(path, str):
        raise ImproperlyConfigured(f"static/{ICONS} is missing.")
    return frozenset(SYMBOL.findall(Path(path).read_text()))
