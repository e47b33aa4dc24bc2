"""What does the environment say, and does it make sense?  A value that does not ends the command by name."""

import os
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def text(name: str, default: str = "") -> str:
    """An empty variable counts as one that is not set."""
    return os.environ.get(name, "").strip() or default


def names(name: str) -> list[str]:
    return [part.strip() for part in text(name).split(",") if part.strip()]


def flag(name: str) -> bool:
    """Off unless switched on."""
    value = text(name, "0").lower()
    if value not in FLAGS:
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}")
    return FLAGS[value]


def number(name: str, default: int) -> int:
    value = text(name, str(default))
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise ImproperlyConfigured(f"{name} must be a whole number above zero, not {value!r}")
    return int(value)


def origin(name: str, default: str) -> str:
    """Scheme, host and port of an address with no path."""
    value = text(name, default)
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name} must look like https://example.org, not {value!r}")
    return f"{parts.scheme}://{parts.netloc}"


def database(name: str) -> dict[str, Any]:
    """An entry of DATABASES. The value is never repeated in a message: it holds a password."""
    value = text(name)
    if urlsplit(value).scheme not in {"postgres", "postgresql"} or not urlsplit(value).path.strip("/"):
        raise ImproperlyConfigured(f"{name} must look like postgres://user:password@host:5432/name")
    return dict(environ.Env.db_url_config(value, engine="django.db.backends.postgresql"))


def mail(name: str) -> dict[str, Any]:
    """The EMAIL_… settings of a mail server; none where it is not set.  The value is never repeated: it may hold a
    password."""
    value = text(name)
    if not value:
        return {}
    if urlsplit(value).scheme not in {"smtp", "smtp+tls", "smtp+ssl"} or not urlsplit(value).hostname:
        raise ImproperlyConfigured(f"{name} must look like smtp+tls://user:password@mail.example.org:587")
    told = environ.Env.email_url_config(value)
    return {key: setting for key, setting in told.items() if key != "EMAIL_FILE_PATH"}
