"""The kinds of notifications: what happened, by the name that programs and filters use.

Each app registers its own when Django starts; `message` and `announcement` are there from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from realtime.registries import Registry

Label = str | Promise

MESSAGE = "message"
ANNOUNCEMENT = "announcement"


@dataclass(frozen=True)
class Kind:
    """One kind; `label` is its name for people, best a lazy translation."""

    name: str
    label: Label


registry: Registry[Kind] = Registry("kind of notification")


def register(name: str, label: Label) -> None:
    """Make a kind known.

    Raises:
        ValueError: another one has that name.
    """
    registry.register(Kind(name, label))


def kinds() -> dict[str, Label]:
    """All registered kinds, name to label, in the order of registration."""
    return {kind.name: kind.label for kind in registry}


register(MESSAGE, _("Message"))
register(ANNOUNCEMENT, _("Announcement"))
