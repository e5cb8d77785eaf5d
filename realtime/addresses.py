"""Client addresses as limits count them. Pure."""

from __future__ import annotations

import ipaddress
from functools import lru_cache


@lru_cache(maxsize=4096)
def address_block(address: str) -> str:
    """Return what one subscriber of an access network has: an IPv4 address, or a /64 of IPv6.

    An IPv4 address mapped into IPv6 counts as the IPv4 address. Text that is no address is
    returned as it is.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
