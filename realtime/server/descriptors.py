"""How many files this process may have open, and how many connections fit into that.

A process without a free descriptor can neither accept connections nor open its database, so some
are kept for itself. https://man7.org/linux/man-pages/man2/getrlimit.2.html (RLIMIT_NOFILE)
"""

from __future__ import annotations

import resource
from dataclasses import dataclass

# For databases, Redis, logs, workers, files being written and refused connections.
RESERVE = 160
# A request may have a file open beside its connection.
FOR_A_REQUEST = 2
# Of what a small limit leaves, the share of plain HTTP.
HTTP_SHARE = 3


@dataclass(frozen=True)
class Fit:
    """The connections that fit, and what the operator should be told (empty: nothing)."""

    sockets: int
    http: int
    said: str = ""


def fit(allowed: int, sockets: int, http: int) -> Fit:
    """Return how many of the wanted connections fit into `allowed` descriptors."""
    needed = RESERVE + sockets + FOR_A_REQUEST * http
    if allowed >= needed:
        return Fit(sockets, http)
    left = max(FOR_A_REQUEST * HTTP_SHARE, allowed - RESERVE)
    few_http = min(http, left // HTTP_SHARE // FOR_A_REQUEST)
    few_sockets = min(sockets, left - FOR_A_REQUEST * few_http)
    said = (
        f"Only {allowed} files may be open, so at most {few_sockets} sockets and {few_http} HTTP "
        f"connections are served; {needed} would do for all (ulimit -n, LimitNOFILE)."
    )
    return Fit(few_sockets, few_http, said)


def raise_limit(wanted: int) -> int:
    """Raise this process's limit towards `wanted`, as far as it may; returns what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if target > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
    return max(soft, target)


def make_room(limits: dict[str, float]) -> str:
    """Raise the limit for these connections, or lower `limits` to what fits.

    Returns a line to log: how many files may be open now, or what does not fit.
    """
    sockets, http = int(limits["max_connections"]), int(limits["max_http_connections"])
    allowed = raise_limit(RESERVE + sockets + FOR_A_REQUEST * http)
    found = fit(allowed, sockets, http)
    limits["max_connections"], limits["max_http_connections"] = found.sockets, found.http
    return found.said or f"Up to {allowed} files may be open."
