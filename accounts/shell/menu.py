"""The navigation for one user and one request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypedDict
from urllib.parse import urlencode

from django.urls import reverse

from accounts.shell import pages
from accounts.shell.access import Visitor
from accounts.shell.badges import ShownBadge
from accounts.shell.choices import Choices
from accounts.shell.pages import MenuPart, Page

# With "More", these fill the bar at the bottom of a phone screen.
TABS = 4


class PageLink(TypedDict):
    """A page as sent to the front end."""

    name: str
    label: str
    url: str
    icon: str
    parent: str | None
    badge: str | None


@dataclass(frozen=True)
class MenuItem:
    """A page: its link, and whether it is the current page.

    Args:
        current: the value of aria-current: "page", "true" where a page below it is the current
            one, or "".
        items: its second level.
        is_open: whether the second level is shown in the wide navigation.
    """

    page: Page
    url: str
    current: str = ""
    badge: ShownBadge | None = None
    items: tuple[MenuItem, ...] = ()
    is_open: bool = False

    @property
    def name(self) -> str:
        return self.page.name

    @property
    def icon(self) -> str:
        return self.page.icon

    @cached_property
    def label(self) -> str:
        return str(self.page.label)


@dataclass(frozen=True)
class Menu:
    """The navigation as the shell's templates render it.

    Args:
        query: the query string of links to other pages: the workspace, if there are several.
    """

    main: tuple[MenuItem, ...] = ()
    foot: tuple[MenuItem, ...] = ()
    query: str = ""
    choices: Choices = field(default_factory=Choices)

    @property
    def everything(self) -> tuple[MenuItem, ...]:
        return self.main + self.foot

    @property
    def home(self) -> str:
        """Return the target of the logo: the first page, or the front page if there is none."""
        return self.main[0].url if self.main else "/"

    @property
    def tabs(self) -> tuple[MenuItem, ...]:
        """Return the pages in the bar of a phone."""
        return self.main[:TABS]

    @property
    def more(self) -> tuple[MenuItem, ...]:
        """Return the pages that do not fit into the bar of a phone."""
        return self.main[TABS:] + self.foot

    @property
    def is_under_more(self) -> bool:
        return any(item.current for item in self.more)

    @property
    def current(self) -> MenuItem | None:
        """Return the current page of the first level."""
        return next((item for item in self.everything if item.current), None)

    @property
    def current_below(self) -> MenuItem | None:
        """Return the current page of the second level."""
        items = self.current.items if self.current else ()
        return next((item for item in items if item.current), None)

    @property
    def has_columns(self) -> bool:
        item = self.current_below or self.current
        return item is not None and item.page.has_columns

    @property
    def is_rail(self) -> bool:
        return self.choices.is_rail(self.has_columns)

    @property
    def rail_cookie(self) -> str:
        """Return the name of the cookie with the choice of rail or wide for pages like this one."""
        return self.choices.rail_cookie(self.has_columns)

    @property
    def badges(self) -> dict[str, ShownBadge]:
        """Return the badges of the first level, by key."""
        return {item.badge.key: item.badge for item in self.everything if item.badge}

    def links(self) -> list[PageLink]:
        """Return all pages for the front end, parents before their children."""
        return [link for item in self.everything for link in _links(item)]


def menu_of(visitor: Visitor, path: str, cookies: Mapping[str, str]) -> Menu:
    """Return the navigation of a visitor.

    Args:
        path: the path of the request, which determines the current page.
        cookies: the cookies of the request, with the state of the navigation in this browser.
    """
    choices = Choices.of(cookies, known={page.name for page in pages.registered()})
    query = _query(visitor)
    drawing = _Drawing(visitor, query, choices, _current_page(visitor, path))
    return Menu(
        main=drawing.items(pages.first_level(MenuPart.MAIN)),
        foot=drawing.items(pages.first_level(MenuPart.FOOT)),
        query=query,
        choices=choices,
    )


@dataclass
class _Drawing:
    visitor: Visitor
    query: str
    choices: Choices
    current: Page | None
    badges: dict[str, ShownBadge] = field(default_factory=dict)

    def items(self, candidates: Iterable[Page]) -> tuple[MenuItem, ...]:
        return tuple(self._item(page) for page in candidates if page.access(self.visitor))

    def _item(self, page: Page) -> MenuItem:
        items = self.items(second_level(page, self.visitor))
        path = reverse(page.url_name)
        holds_current = any(item.current for item in items)
        return MenuItem(
            page=page,
            url=path + self.query if page.in_shell else path,
            current="page" if page == self.current else "true" if holds_current else "",
            badge=self._badge(page),
            items=items,
            is_open=self.choices.is_open(page.name, unless_chosen=holds_current),
        )

    def _badge(self, page: Page) -> ShownBadge | None:
        if page.badge is None:
            return None
        # Counted once, even if it is shown in several places.
        shown = ShownBadge(page.badge, self.visitor.principal)
        return self.badges.setdefault(page.badge.key, shown)


def second_level(page: Page, visitor: Visitor) -> Sequence[Page]:
    """Return the children of a page that the visitor sees; none if there is only one."""
    seen = [each for each in pages.below(page.name) if each.access(visitor)]
    return seen if len(seen) > 1 else ()


def _current_page(visitor: Visitor, path: str) -> Page | None:
    """Return the page with the longest path that is a prefix of the request's path."""
    paths = [
        # A page and its first child may have the same path: the child is the current page.
        (len(prefix), bool(page.parent), page)
        for page in _visible(visitor)
        for prefix in map(reverse, page.url_names)
        if path.startswith(prefix)
    ]
    longest = max(paths, key=lambda found: found[:2], default=None)
    return longest[2] if longest else None


def _visible(visitor: Visitor) -> Iterator[Page]:
    for place in MenuPart:
        for page in pages.first_level(place):
            if page.access(visitor):
                yield page
                yield from second_level(page, visitor)


def _query(visitor: Visitor) -> str:
    if visitor.current is None or len(visitor.memberships) < 2:
        return ""
    return "?" + urlencode({"workspace": visitor.current.workspace.slug})


def _links(item: MenuItem, parent: str | None = None) -> Iterator[PageLink]:
    yield {
        "name": item.name,
        "label": item.label,
        "url": item.url,
        "icon": item.icon,
        "parent": parent,
        "badge": item.badge.key if item.badge else None,
    }
    for below in item.items:
        yield from _links(below, item.name)
