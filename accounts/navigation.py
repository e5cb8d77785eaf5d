"""Registers the pages of accounts in the navigation: settings, and the admin for staff."""

from django.utils.translation import gettext_lazy as _

from accounts.shell import MenuPart, Page, register, signed_in, staff

register(
    Page(
        "admin",
        _("Admin"),
        url_name="admin:index",
        icon="shield",
        order=10,
        access=staff,
        place=MenuPart.FOOT,
        in_shell=False,
    ),
    Page(
        "settings",
        _("Settings"),
        url_name="accounts:profile",
        icon="settings-2",
        order=20,
        access=signed_in,
        place=MenuPart.FOOT,
    ),
    Page(
        "profile",
        _("Profile"),
        url_name="accounts:profile",
        order=10,
        access=signed_in,
        parent="settings",
    ),
    Page(
        "security",
        _("Security"),
        url_name="accounts:security",
        order=40,
        access=signed_in,
        parent="settings",
        covers=("accounts:password_change",),
    ),
    Page(
        "tokens",
        _("Tokens"),
        url_name="accounts:tokens",
        order=50,
        access=signed_in,
        parent="settings",
    ),
)
