"""What somebody chose of the navigation in this browser: folded lists, rail or wide.

The choices are cookies, as the theme is: the server draws the page as it was left, so that
nothing moves when its scripts run.
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
        """Read the cookies; what names no known page or state counts as not chosen."""
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
        """Pages with columns of their own keep a choice of their own."""
        return "nav_beside_columns" if has_columns else "nav"

    def is_rail(self, has_columns: bool) -> bool:
        """Whether the navigation is a rail on a screen that has room for either."""
        chosen = self.rails.get(self.rail_cookie(has_columns))
        return has_columns if chosen is None else chosen == RAIL

    def is_open(self, name: str, *, unless_chosen: bool) -> bool:
        """Whether a second level is shown; `unless_chosen` as long as nobody has folded it."""
        return self.folds.get(name, unless_chosen)
