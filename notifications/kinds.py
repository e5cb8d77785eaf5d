"""The kinds of notifications: each has a name, which programs and filters use, and a label.

Each app registers its own when Django starts; this module registers `message` and `announcement`.
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
    """One kind; `label` is the name that users see, preferably a lazy translation."""

    name: str
    label: Label


registry: Registry[Kind] = Registry("kind of notification")


def register(name: str, label: Label) -> None:
    """Register a kind.

    Raises:
        ValueError: another kind has that name.
    """
    registry.register(Kind(name, label))


def kinds() -> dict[str, Label]:
    """Return all registered kinds, name to label, in the order of registration."""
    return {kind.name: kind.label for kind in registry}


register(MESSAGE, _("Message"))
register(ANNOUNCEMENT, _("Announcement"))
