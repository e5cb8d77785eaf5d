"""The kinds of notifications: what happened, by the name that programs and filters use.

Each app registers its own when Django starts; `message` and `announcement` are there from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Label = str | Promise

MESSAGE = "message"
ANNOUNCEMENT = "announcement"

_kinds: dict[str, Label] = {}


def register(name: str, label: Label) -> None:
    """Make a kind known; `label` is its name for people, best a lazy translation."""
    _kinds[name] = label


def kinds() -> Mapping[str, Label]:
    """All registered kinds, name to label, in the order of registration."""
    return MappingProxyType(_kinds)


register(MESSAGE, _("Message"))
register(ANNOUNCEMENT, _("Announcement"))
