"""Names of browsers, as their owners know them."""

import pytest

from accounts.devices import browser_of, is_handheld, system_of

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/156.0.0.0 Safari/537.36"
)
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("user_agent", "browser", "system", "handheld"),
    [
        (FIREFOX, "Firefox", "Linux", False),
        (CHROME, "Chrome", "Windows", False),
        (CHROME + " Edg/156.0.0.0", "Edge", "Windows", False),
        (SAFARI, "Safari", "iPhone", True),
        ("curl/8.5.0", "curl", "", False),
        ("", "", "", False),
    ],
)
def test_a_user_agent_becomes_a_device(
    user_agent: str, browser: str, system: str, handheld: bool
) -> None:
    assert browser_of(user_agent) == browser
    assert system_of(user_agent) == system
    assert is_handheld(user_agent) is handheld
