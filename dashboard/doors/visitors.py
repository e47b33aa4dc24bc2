"""From which address does a visitor come?  As the connection says, or as our own proxies do: nobody else's word counts.

`settle` is called once, in front: after it `REMOTE_ADDR` is the visitor's, and what remains of the forwarding headers
is true.
"""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings

PROTOCOL = "HTTP_X_FORWARDED_PROTO"
FORWARDING = (
    PROTOCOL,
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTOCOL",
    "HTTP_X_FORWARDED_SCHEME",
    "HTTP_X_FORWARDED_SERVER",
    "HTTP_X_FORWARDED_SSL",
    "HTTP_X_ORIGINAL_URL",
    "HTTP_X_REAL_IP",
    "HTTP_X_REWRITE_URL",
    "HTTP_X_URL_SCHEME",
    "HTTP_FORWARDED",
    "HTTP_FRONT_END_HTTPS",
)
IPV6_PREFIX = 64  # bits: a customer of a provider has all addresses behind them

Address = IPv4Address | IPv6Address


def settle(meta: dict[str, Any]) -> None:
    """Take the forwarding headers out of a request's `META`; believe those that a proxy of ours has written."""
    forwarded = {name: str(meta.pop(name, "")) for name in FORWARDING}
    if not is_proxy(str(meta.get("REMOTE_ADDR", ""))):
        return
    visitor = parsed(_written_by_ours(forwarded["HTTP_X_FORWARDED_FOR"]))
    if visitor is not None:
        meta["REMOTE_ADDR"] = str(visitor)
    protocol = _written_by_ours(forwarded[PROTOCOL]).lower()
    if protocol in ("http", "https"):
        meta[PROTOCOL] = protocol


def is_proxy(peer: str) -> bool:
    """Is a proxy of ours at this end of the connection?  A peer without an address is at a socket of this machine."""
    if not settings.API_PROXIES:
        return False
    address = parsed(peer)
    return not peer or (address is not None and any(address in net for net in _networks(*settings.PROXY_ADDRESSES)))


def address_of(request: Any) -> str:
    """The visitor's address for counting: of IPv6 the network of the whole site; empty for a socket of this machine."""
    peer = str(request.META.get("REMOTE_ADDR", ""))
    address = parsed(peer)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False).network_address)
    return str(address) if address else ""


def parsed(text: str) -> Address | None:
    """The address in `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1` or `[2001:db8::1]:80`; None where there is none."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _written_by_ours(header: str) -> str:
    """Each proxy adds to the end, so what the first of ours wrote is as far from the end as there are proxies."""
    values = [part.strip() for part in header.split(",") if part.strip()]
    return values[-min(settings.API_PROXIES, len(values))] if values else ""


@cache
def _networks(*texts: str) -> tuple[Any, ...]:
    return tuple(ip_network(text, strict=False) for text in texts)
