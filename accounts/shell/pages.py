"""The registry of pages: each app declares its own, and every form of the navigation shows them.

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
# Names stand in a cookie and in ids of elements.
NAME = re.compile(r"[a-z][a-z0-9-]*")
SYMBOL = re.compile(r'<symbol id="([^"]+)"')


class MenuPart(StrEnum):
    """Where in the navigation a page of the first level stands."""

    MAIN = "main"
    FOOT = "foot"


@dataclass(frozen=True)
class Page:
    """One page of the navigation.

    Args:
        name: identifies it among all pages; lower-case letters, digits and hyphens.
        label: its name for people, a lazy translation.
        url_name: of a URL without arguments. Everything below its path counts as this page.
        covers: names of further such URLs that lie elsewhere and count as this page.
        icon: a symbol of static/icons.svg; only pages of the second level do without.
        order: among its neighbours, ascending. In the main place: 10 dashboards, 20 alerts,
            30 exchange, 40 chat, 50 inbox, 60 jobs; at the foot: 10 operator console,
            20 settings.
        access: who sees it.
        badge: the number beside it.
        place: of a page of the first level.
        parent: the name of the page that this one is below: makes it one of the second level.
        has_columns: the page brings side columns of its own, so the navigation begins as a rail.
        in_shell: False for a page that leaves the shell: its address names no workspace.
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
        """Of all URLs that are this page or have it above them."""
        return (self.url_name, *self.covers)


_pages: dict[str, Page] = {}


def register(*pages: Page) -> None:
    """Add pages to the navigation; called when Django starts, a parent before what is below it.

    Raises:
        ImproperlyConfigured: the name is taken or malformed, the icon or the parent is unknown.
    """
    for page in pages:
        problem = _problem_of(page)
        if problem:
            raise ImproperlyConfigured(f"Page {page.name!r} ({page.url_name}): {problem}")
        _pages[page.name] = page


def registered() -> Iterable[Page]:
    """All pages, in the order of registration."""
    return tuple(_pages.values())


def first_level(place: MenuPart) -> list[Page]:
    """The pages of the first level at that place, in order."""
    return _in_order(page for page in _pages.values() if not page.parent and page.place == place)


def below(name: str) -> list[Page]:
    """The second level of the page of that name, in order."""
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
    """The symbols of static/icons.svg."""
    path = finders.find(ICONS)
    if not isinstance(path, str):
        raise ImproperlyConfigured(f"static/{ICONS} is missing.")
    return frozenset(SYMBOL.findall(Path(path).read_text()))
