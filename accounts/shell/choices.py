"""The state of the navigation in this browser: folded lists, rail or wide.

It is stored in cookies, like the theme, so that the server renders the page as the user left it
and nothing moves when its scripts run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

FOLDS_COOKIE = "nav_folds"
OPEN, FOLDED = "open", "folded"
RAIL, WIDE = "rail", "wide"


@dataclass(frozen=True)
class Choices:
    """Args:
    folds: page name → whether its second level was opened (True) or folded.
    rails: cookie name → `rail` or `wide`.
    """

    folds: Mapping[str, bool] = field(default_factory=dict)
    rails: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, cookies: Mapping[str, str], known: Collection[str]) -> Choices:
        """Read the cookies; unknown pages and states are ignored."""
        chosen = (each.partition(":") for each in cookies.get(FOLDS_COOKIE, "").split("."))
        folds = {
            name: state == OPEN
            for name, _, state in chosen
            if name in known and state in (OPEN, FOLDED)
        }
        names = (cls.rail_cookie(True), cls.rail_cookie(False))
        rails = {name: value for name in names if (value := cookies.get(name)) in (RAIL, WIDE)}
        return cls(folds, rails)

    @staticmethod
    def rail_cookie(has_columns: bool) -> str:
        """Return the cookie's name; pages with their own columns have a separate one."""
        return "nav_beside_columns" if has_columns else "nav"

    def is_rail(self, has_columns: bool) -> bool:
        """Return whether the navigation is a rail on a screen that has room for both forms."""
        chosen = self.rails.get(self.rail_cookie(has_columns))
        return has_columns if chosen is None else chosen == RAIL

    def is_open(self, name: str, *, unless_chosen: bool) -> bool:
        """Return whether a second level is shown; `unless_chosen` if the user has not chosen."""
        return self.folds.get(name, unless_chosen)
