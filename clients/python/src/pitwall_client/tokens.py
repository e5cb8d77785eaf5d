"""The tokens of a REST client. Pure: time is passed in."""

import base64
import binascii
import json

# A token that expires sooner than this (seconds) is renewed first: the clocks of two machines
# differ, and a request takes time.
MARGIN = 60.0
# Of a token that lives shorter than MARGIN, this part of its life is used.
USED = 0.5


class Tokens:
    """An access token, with the refresh token that renews it if there is one.

    Attributes:
        access: API token or JWT, or None.
        refresh: JWT that buys access tokens, or None.
    """

    def __init__(self, access: str | None = None) -> None:
        self.access = access.strip() if access is not None else None
        self.refresh: str | None = None
        self._renew_at = float("inf")

    def renewed(self, access: str, refresh: str | None, now: float) -> None:
        """Keep new tokens. The server need not send another refresh token.

        Args:
            access: access token.
            refresh: refresh token, or None to keep the one there is.
            now: seconds, by any clock; `stale` needs the same.
        """
        self.access = access
        self.refresh = refresh or self.refresh
        life = lifetime(access)
        self._renew_at = now + max(life - MARGIN, life * USED) if life else float("inf")

    def stale(self, now: float) -> bool:
        """Tell whether the access token should be renewed, and can be."""
        return self.refresh is not None and (self.access is None or now >= self._renew_at)


def lifetime(token: str) -> float | None:
    """Return the seconds from a JWT's issue to its expiry (RFC 7519), or None if it has none.

    The token's own times are compared, so a wrong clock on this machine does no harm. The
    signature is not checked: this only decides when to ask for another token.
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"]) - float(claims["iat"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return None
