"""What does the environment say, and does it make sense?  A value that does not ends the command by name.

Each function reads one variable and remembers it in `KNOWN`: what it must be stands in one place, from which the
refusal and the test of docs/settings.md are made.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from string import Formatter
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
HOST = re.compile(
    r"(?=.{1,253}\Z)\.?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
EMAIL = re.compile(r"[^@\s<>,;\"]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
BROKERS = {"redis": "redis", "rediss": "redis", "amqp": "pika", "amqps": "pika", "stub": ""}
"""Scheme of a message broker -> the package that speaks it."""


@dataclass(frozen=True)
class Variable:
    """`must`: what a value must be, as the refusal and docs/settings.md put it."""

    name: str
    default: str
    must: str


KNOWN: dict[str, Variable] = {}


class Unusable(ValueError):
    """A value that no reader can use."""


def read(name: str, default: str, must: str, parse: Callable[[str], T], *, secret: bool = False) -> T:
    """The variable, parsed.  An empty one counts as one that is not set; a default is not checked.

    Raises ImproperlyConfigured; a `secret` value is never repeated in the message.
    """
    KNOWN[name] = Variable(name, default, must)
    value = os.environ.get(name, "").strip()
    try:
        if not value.isprintable():
            raise Unusable("a control character")
        return parse(value or default)
    except (ValueError, OSError):
        shown = "" if secret else f", not {value[:80]!r}"
        raise ImproperlyConfigured(f"{name} must be {must}{shown}") from None


def need(holds: object) -> None:
    if not holds:
        raise Unusable


def matching(
    name: str, default: str = "", *, must: str, fits: Callable[[str], object] = bool, secret: bool = False
) -> str:
    """A text for which `fits` holds; the default needs not."""

    def parse(value: str) -> str:
        need(value == default or fits(value))
        return value

    return read(name, default, must, parse, secret=secret)


def listed(name: str, *, must: str, fits: Callable[[str], object] = bool, default: tuple[str, ...] = ()) -> list[str]:
    """Texts separated by commas, each of which fits."""

    def parse(value: str) -> list[str]:
        parts = [part.strip() for part in value.split(",") if part.strip()]
        need(parts == list(default) or all(map(fits, parts)))
        return parts

    return read(name, ",".join(default), must, parse)


def by_name(name: str, *, must: str, fits: Callable[[str], object] = bool) -> dict[str, str]:
    """Values that fit, each under a name: `NAME=VALUE`, separated by commas.  No name comes twice."""

    def parse(value: str) -> dict[str, str]:
        pairs = [part.strip().partition("=") for part in value.split(",") if part.strip()]
        named = {key: given for key, _, given in pairs}
        need(len(named) == len(pairs) and all(key and fits(given) for key, given in named.items()))
        return named

    return read(name, "", must, parse)


def word(name: str) -> str:
    """A key or token."""
    fits = re.compile(r"[!-~]+").fullmatch
    return matching(name, must="one word of ASCII without spaces, or empty", fits=fits, secret=True)


def flag(name: str) -> bool:
    """Off unless switched on."""

    def parse(value: str) -> bool:
        need(value.lower() in FLAGS)
        return FLAGS[value.lower()]

    return read(name, "0", "1 or 0", parse)


def number(name: str, default: int, *, least: int = 1, most: int) -> int:
    """A whole number in ASCII digits."""

    def parse(value: str) -> int:
        need(re.fullmatch("[0-9]{1,9}", value, re.ASCII) and least <= int(value) <= most)
        return int(value)

    return read(name, str(default), f"a whole number from {least} to {most}", parse)


def price(name: str) -> float | None:
    """An amount of USD; None where none is set: what has no price is unknown, not free."""

    def parse(value: str) -> float | None:
        need(not value or re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,9})?", value, re.ASCII))
        return float(value) if value else None

    return read(name, "", "an amount of USD such as 1.99, or empty", parse)


def level(name: str, default: str) -> str:
    def parse(value: str) -> str:
        need(value.upper() in LEVELS)
        return value.upper()

    return read(name, default, f"one of {', '.join(LEVELS)}", parse)


def path(name: str, default: Path) -> Path:
    """Of a file that is there, or may be made."""

    def parse(value: str) -> Path:
        need(not Path(value).is_dir())
        return Path(value).resolve()

    return read(name, str(default), "the path of a file, not of a folder", parse)


def folder(name: str, default: Path, *, made: bool = True) -> Path:
    """One that can be written, made where it is missing; not `made`: it may be missing still."""

    def parse(value: str) -> Path:
        there = Path(value).resolve()
        need(not there.exists() or there.is_dir())
        if made:
            there.mkdir(parents=True, exist_ok=True)
            need(os.access(there, os.W_OK | os.X_OK))
        return there

    must = "a folder that can be written, or a path where one can be made" if made else "a folder, or a path for one"
    return read(name, str(default), must, parse)


def existing(name: str, default: str = "", *, kind: str) -> str:
    """A `file` or a `folder` that is there; the default need not be."""
    holds = Path.is_file if kind == "file" else Path.is_dir
    return matching(
        name,
        default,
        must=f"the path of a {kind} that is there, or empty on a host that does not need it",
        fits=lambda value: holds(Path(value)),
    )


def origin(name: str, default: str) -> str:
    """Scheme, host and port of an address with no path."""

    def parse(value: str) -> str:
        parts = address(value, "http", "https")
        need(not parts.path.strip("/") and not parts.query and not parts.username)
        return f"{parts.scheme}://{parts.netloc}"

    return read(name, default, "an address without a path, such as https://example.org", parse)


def address(value: str, *schemes: str) -> SplitResult:
    """The parts of `scheme://host[:port]…`.  Raises ValueError."""
    parts = urlsplit(value)
    need(parts.scheme in schemes and is_host(parts.hostname or "") and parts.port != 0)
    need(not parts.fragment and not re.search(r"\s", value))
    return parts


def is_host(text: str) -> bool:
    return bool(HOST.fullmatch(text)) or is_ip(text)


def is_ip(text: str) -> bool:
    try:
        return bool(ip_address(text.strip("[]")))
    except ValueError:
        return False


def is_network(text: str) -> bool:
    """Raises ValueError for a text that is none."""
    return bool(ip_network(text, strict=False))


def is_loopback(host: str | None) -> bool:
    return host == "localhost" or (is_ip(host or "") and ip_address(host or "").is_loopback)


def is_web(value: str) -> bool:
    """An http or https address.  Raises ValueError for a text that is none."""
    return bool(address(value, "http", "https"))


def is_https(value: str) -> bool:
    """https, or http on this very machine.  Raises ValueError for a text that is none."""
    parts = address(value, "http", "https")
    return parts.scheme == "https" or is_loopback(parts.hostname)


def is_git_host(value: str) -> bool:
    parts = address(value, "http", "https")
    return is_https(value) and not (parts.query or parts.username or parts.password)


def is_engine(value: str) -> bool:
    """A Docker Engine: a socket's path, or a host."""
    parts = urlsplit(value)
    return bool(parts.path.strip("/") and not parts.netloc) if parts.scheme == "unix" else is_web(value)


def is_witness(value: str) -> bool:
    """`host:port`.  Raises ValueError for a port that is none."""
    parts = urlsplit(f"//{value}")
    return parts.netloc == value and value.count(":") == 1 and is_host(parts.hostname or "") and bool(parts.port)


def is_commit_of_a_repository(value: str) -> bool:
    """`owner/name@` and the 40 hex digits of a commit."""
    return bool(re.fullmatch(r"[A-Za-z0-9][\w.-]{0,99}/[A-Za-z0-9][\w.-]{0,99}@[0-9a-f]{40}", value, re.ASCII))


def is_pattern(value: str, *, files: bool, names: tuple[str, ...] = ("sha256",)) -> bool:
    """An address with {sha256} in it, and no other place to fill than `names`."""
    places = {name for _, name, spec, how in Formatter().parse(value) if name is not None and not spec and not how}
    filled = value.format(**dict.fromkeys(names, "0")) if places <= set(names) else ""
    if files and value.startswith("file://"):
        return "sha256" in places and urlsplit(filled).path.startswith("/") and not urlsplit(filled).netloc
    return "sha256" in places and is_web(filled)


def database(name: str) -> dict[str, Any]:
    """An entry of DATABASES; empty for the embedded one."""

    def parse(value: str) -> dict[str, Any]:
        if not value:
            return {}
        parts = urlsplit(value)
        need(parts.scheme in {"postgres", "postgresql"} and parts.path.strip("/") and parts.port != 0)
        return dict(environ.Env.db_url_config(value, engine="django.db.backends.postgresql"))

    return read(name, "", "an address such as postgres://user:password@host:5432/name, or empty", parse, secret=True)


def broker(name: str) -> str:
    """Where messages travel; empty: through PostgreSQL."""

    def fits(value: str) -> bool:
        scheme = urlsplit(value).scheme
        need(scheme in BROKERS)
        package = BROKERS[scheme]
        return not package or bool(address(value, scheme) and importlib.util.find_spec(package))

    must = (
        "empty (messages travel through PostgreSQL) or start with redis://, rediss:// (pip install 'dramatiq[redis]'), "
        "amqp:// or amqps:// (pip install 'dramatiq[rabbitmq]')"
    )
    return matching(name, must=must, fits=fits, secret=True)


def mail(name: str, *, sender: str) -> dict[str, Any]:
    """The EMAIL_… settings of a mail server; none where it is not set."""

    def parse(value: str) -> dict[str, Any]:
        if not value:
            return {}
        address(value, "smtp", "smtp+tls", "smtp+ssl")
        need(sender)
        config = environ.Env.email_url_config(value)
        return {key: setting for key, setting in config.items() if key != "EMAIL_FILE_PATH"}

    must = "an address such as smtp+tls://user:password@mail.example.org:587, with GAUNTLET_EMAIL_FROM set, or empty"
    return read(name, "", must, parse, secret=True)


def load_settings() -> None:
    """Load Django's settings.  What they refuse ends this process with one sentence, exit 2."""
    from django.conf import settings  # the rest of this module is read by the settings themselves

    try:
        _ = settings.INSTALLED_APPS
    except ImproperlyConfigured as refused:
        sys.stderr.write(f"error: {refused}\n")
        raise SystemExit(2) from None
