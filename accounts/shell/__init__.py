"""The frame around every page: the registry of pages, their visibility, the current page."""

from accounts.shell.access import (
    Visitor,
    may,
    members,
    signed_in,
    staff,
    workspace_admins,
)
from accounts.shell.badges import Badge, Count, Tone
from accounts.shell.pages import MenuPart, Page, register

__all__ = [
    "Badge",
    "Count",
    "MenuPart",
    "Page",
    "Tone",
    "Visitor",
    "may",
    "members",
    "register",
    "signed_in",
    "staff",
    "workspace_admins",
]
