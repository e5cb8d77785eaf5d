"""Names for browsers that their owners recognise."""

from __future__ import annotations

# First match wins: Edge and Opera also say Chrome, Chrome also says Safari.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("HarmonyOS", "HarmonyOS"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
HANDHELD = {"iPhone", "iPad", "Android", "HarmonyOS"}


def browser_of(user_agent: str) -> str:
    """Return a name such as "Firefox", or a program's own name; empty if unknown."""
    known = _first(BROWSERS, user_agent)
    return known or user_agent.split("/", 1)[0].strip()[:40]


def system_of(user_agent: str) -> str:
    """Return a name such as "Windows"; empty if unknown."""
    return _first(SYSTEMS, user_agent)


def is_handheld(user_agent: str) -> bool:
    return system_of(user_agent) in HANDHELD


def _first(table: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for mark, name in table if mark in user_agent), "")
