"""May this address be asked, and which socket addresses may it be dialled at?  Three levels, and one of no network.

*public* (`check`): given by somebody outside: https on port 443, public addresses only.  *loopback* (`check` with
`loopback_ports`): the demo's neighbours on this machine.  *configured* (`configured`): set by the operator, http or
https at any address, with a password if need be.  *unix*: a socket file, set by the operator or made by us.

Of a public address ssrfguard decides both, resolves once and connects to what it checked.  It is young, so a table of
our own is asked too, about the same answers: both must agree.
"""

from __future__ import annotations

import base64
import queue
import re
import socket
import threading
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Literal
from urllib.parse import SplitResult, quote, unquote, urlsplit

import ssrfguard

from core.net.failures import FetchFailed

Level = Literal["public", "loopback", "configured", "unix"]
Answer = tuple[int, int, int, str, tuple[Any, ...]]
Resolver = Callable[..., Iterable[Answer]]

DEFAULT_PORTS = {"https": 443, "http": 80}
LOOPBACK = ip_network("127.0.0.0/8")
ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
GLOBAL_V6 = ip_network("2000::/3")  # all that is assigned for unicast; NAT64, v4-mapped, fe80, fc00, ff00 lie outside

# What `is_global` of some Python passes, or has passed: multicast, relays and tunnels, special registries.
DENIED = tuple(
    ip_network(block)
    for block in (  # noqa: SIM905, one address a line would take a screen
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 "
        "203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 "
        "2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3ffe::/16 3fff::/20"
    ).split()
)

# What a resolver would read as a number: 0x7f.1, 017700000001, 2130706433.  No public name ends so.
_NUMBER_LIKE = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOrigin:
    """A checked address, taken apart once: nothing parses it again."""

    level: Level
    url: str
    scheme: str
    host: str
    port: int
    target: str  # path and query, in ASCII
    checked: ssrfguard.Target
    rules: ssrfguard.Policy
    unix_path: str = ""
    authorization: str = ""  # of a user and password in a configured address; never shown

    @property
    def name(self) -> str:
        """The host as TLS and the Host header know it."""
        return self.host.rstrip(".")

    @property
    def host_header(self) -> str:
        host = f"[{self.name}]" if ":" in self.name else self.name
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def at(self, path: str) -> HttpOrigin:
        """The same host, at `path` (which begins with a slash, in ASCII) below what this address names."""
        return replace(self, target=f"{self.target.partition('?')[0].rstrip('/')}{path}")


def check(url: str, *, loopback_ports: Container[int] = (), allow_fragment: bool = False) -> HttpOrigin:
    """Take the address apart, or raise FetchFailed with the miner's sentence.  Nothing is looked up.

    `loopback_ports`: in the demo, http://127.0.0.1 at these ports is allowed as well.  `allow_fragment`: a redirect may
    carry one; it is dropped.
    """
    scheme, rules = _rules(url, loopback_ports=loopback_ports)
    if "#" in url and not allow_fragment:
        raise FetchFailed("bad_url", "it holds a #")
    try:
        target = rules.check_url(url)
    except ssrfguard.BlockedURLError as blocked:
        private = isinstance(blocked.__cause__, ssrfguard.BlockedAddressError)
        raise FetchFailed("private_address" if private else "bad_url", blocked.reason) from blocked
    if target.address is None and _NUMBER_LIKE.fullmatch(target.host):
        raise FetchFailed("bad_url", f"the host {target.host} ends in a number")
    return HttpOrigin(
        level="public" if scheme == "https" else "loopback",
        url=url,
        scheme=scheme,
        host=target.host,
        port=target.port,
        target=_target(urlsplit(url)),
        checked=target,
        rules=rules,
    )


def configured(url: str) -> HttpOrigin:
    """An address that the operator has set: http(s)://host:port/path, or unix:///path of a socket.

    Raises FetchFailed where it is no such address.  Never for one that somebody outside has given.
    """
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    except ValueError as bad:
        raise FetchFailed("bad_url", str(bad)) from bad
    if scheme == "unix" and parts.path and not host:
        return replace(_configured(url, "http", "localhost", 80, "/"), level="unix", unix_path=parts.path)
    if scheme not in DEFAULT_PORTS or not host:
        raise FetchFailed("bad_url", "write http://host:port, https://host:port or unix:///path")
    origin = _configured(url, scheme, host, port or DEFAULT_PORTS[scheme], _target(parts))
    if parts.username is None:
        return origin
    words = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return replace(origin, authorization=f"Basic {base64.b64encode(words.encode()).decode()}")


def _configured(url: str, scheme: str, host: str, port: int, target: str) -> HttpOrigin:
    rules = ssrfguard.Policy(
        allowed_schemes=frozenset({scheme}), allowed_ports=frozenset({port}), allowed_networks=ANYWHERE
    )
    checked = ssrfguard.Target(scheme=scheme, host=host, port=port, host_as_written=host, address=_literal(host))
    return HttpOrigin(
        level="configured",
        url=url,
        scheme=scheme,
        host=host,
        port=port,
        target=target,
        checked=checked,
        rules=rules,
    )


def _target(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=-._~")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=-._~?")
    return f"{path}?{query}" if query else path


def addresses(
    origin: HttpOrigin, *, resolver: Resolver | None = None, timeout_s: float
) -> tuple[ssrfguard.Address, ...]:
    """Look the host up once; every answer must be public (http: loopback), else none is used."""
    seen: list[Answer] = []

    def once(*args: Any) -> Iterable[Answer]:
        seen.extend(_within(timeout_s, resolver or socket.getaddrinfo, *args))
        return seen

    try:
        resolved = ssrfguard.resolve(origin.checked, policy=origin.rules, resolver=once)
    except ssrfguard.BlockedAddressError as blocked:
        raise FetchFailed("private_address", blocked.reason) from blocked
    except TimeoutError as late:
        raise FetchFailed("our_names", f"no answer in {timeout_s:.0f} s") from late
    except socket.gaierror as failed:
        raise FetchFailed(_name_code(failed), f"{origin.name}: {failed.strerror or failed}") from failed
    except (OSError, UnicodeError, ValueError) as failed:
        raise FetchFailed("name_unknown", f"{origin.name}: {failed}") from failed
    for answer in resolved if origin.level != "configured" else ():
        reason = objection(answer.ip, loopback=origin.level == "loopback")
        if reason:
            raise FetchFailed("private_address", f"{answer.ip} ({reason})")
    return resolved


def objection(ip: IPv4Address | IPv6Address, *, loopback: bool = False) -> str | None:
    """Why this address may not be dialled; `loopback` turns it round: nothing but loopback may be."""
    if loopback:
        return None if ip.version == 4 and ip in LOOPBACK else "http is for loopback only"
    if getattr(ip, "scope_id", None):
        return "it has a zone"
    if ip.version == 6 and ip not in GLOBAL_V6:
        return "outside the global unicast range"
    block = next((block for block in DENIED if ip.version == block.version and ip in block), None)
    if block is not None:
        return f"within {block}"
    return None if ip.is_global and not ip.is_multicast else "not a global address"


def _rules(url: str, *, loopback_ports: Container[int]) -> tuple[str, ssrfguard.Policy]:
    """Scheme and port are ours to decide; the rest is ssrfguard's, under a policy made for just them."""
    try:
        parts = urlsplit(url)
        scheme, port = parts.scheme.lower(), parts.port
    except ValueError as bad:
        raise FetchFailed("bad_url", str(bad)) from bad
    if "@" in parts.netloc:
        raise FetchFailed("credentials")
    if scheme == "https":
        if port not in (None, 443):
            raise FetchFailed("wrong_port", str(port))
        return scheme, ssrfguard.Policy(allowed_schemes=frozenset({"https"}), allowed_ports=frozenset({443}))
    port = port or 80
    address = _literal(parts.hostname or "")
    if scheme != "http" or port not in loopback_ports or address is None or address not in LOOPBACK:
        raise FetchFailed("wrong_scheme", f"{scheme}:" if scheme else "not there")
    return scheme, ssrfguard.Policy(
        allowed_schemes=frozenset({"http"}), allowed_ports=frozenset({port}), allowed_networks=(LOOPBACK,)
    )


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _name_code(failed: socket.gaierror) -> str:
    """EAI_AGAIN and EAI_FAIL: no name server gave an answer.  Theirs or ours?  `fetch` asks a witness."""
    silent = failed.errno in (socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_SYSTEM, socket.EAI_MEMORY)
    return "our_names" if silent else "name_unknown"


def _within(timeout_s: float, lookup: Resolver, *args: Any) -> list[Answer]:
    """getaddrinfo knows no deadline, so it gets a thread of its own; a late answer is dropped."""
    box: queue.SimpleQueue[list[Answer] | Exception] = queue.SimpleQueue()

    def look() -> None:
        try:
            box.put(list(lookup(*args)))
        except Exception as failed:
            box.put(failed)

    threading.Thread(target=look, daemon=True, name="lookup").start()
    try:
        answer = box.get(timeout=timeout_s)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer
