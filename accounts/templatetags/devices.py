"""Template filters for browser names."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

from accounts.devices import browser_of, is_handheld, system_of

register = template.Library()


@register.filter
def device_name(user_agent: str) -> str:
    """Return a name such as "Firefox on Linux"."""
    browser, system = browser_of(user_agent), system_of(user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown device")


@register.filter
def device_icon(user_agent: str) -> str:
    """Return the name of the icon for a browser's kind of device."""
    return "smartphone" if is_handheld(user_agent) else "monitor"
