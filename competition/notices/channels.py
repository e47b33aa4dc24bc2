"""How does a letter get to its receiver?  One function per channel, behind one table.

An address is given by somebody outside, so it is dialled as a miner's is: https on port 443, resolved once, public
addresses only, no redirects (`urls_guard`).  Discord and Slack take only messages of their own form: their addresses
are recognised by host, whatever channel they were given for.
"""

from __future__ import annotations

import json
import smtplib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from competition.decisions import notices
from competition.notices import signing
from competition.notices.models import Delivery, Subscription
from core.machine.stateful import FailureClass
from core.net import fetch, http_client, url_guard
from core.net.failures import FetchFailed
from core.net.limits import Patience, TransferLimits, Watch

PATIENCE = Patience(total_s=15, connect_s=5, idle_s=10)
LIMITS = TransferLimits(header_bytes=16384)
DISCORD = ("discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com")
SLACK = ("hooks.slack.com", "hooks.slack-gov.com")
LONGEST = 2000  # characters of a message, as both count them: an emoji may be two
AGENT = "Gauntlet-Notices/1"
RESOLVER: url_guard.Resolver | None = None
"""Tests put one of their own here."""


class BadAddress(Exception):
    """The address cannot be written to; says why and what to give instead."""


class Undelivered(Exception):
    """It did not arrive.  `permanent`: it never will."""

    def __init__(
        self, code: str, sentence: str, *, permanent: bool = False, status: int | None = None, ours: bool = False
    ) -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.permanent, self.status = code, sentence, permanent, status
        self.failure_class = FailureClass.INFRASTRUCTURE if ours else FailureClass.MINER


@dataclass(frozen=True)
class Letter:
    """One message, in the words of each channel."""

    letter: str
    subject: str
    text: str
    document: Mapping[str, object]


def letter(delivery: Delivery) -> Letter:
    event, slug = delivery.event, delivery.event.competition.slug
    because = str(event.body.get("because") or "")
    about = " ".join(str(event.body[name]) for name in ("entry", "audit", "appeal", "miner") if event.body.get(name))
    number = event.body.get("round")
    where = f"{slug} round {number}" if number is not None else slug
    link = f"{settings.ORIGIN}/c/{slug}/r/{number}/" if number is not None else f"{settings.ORIGIN}/c/{slug}/"
    text = "\n".join(part for part in (f"{where}: {event.kind}", about, because, link) if part)
    document = {"id": str(delivery.public_id), "competition": slug, "event": event.as_json(), "url": link}
    return Letter(str(delivery.public_id), f"[{where}] {event.kind}", text, document)


def webhook(subscription: Subscription, letter: Letter, *, now: datetime) -> int:
    body = json.dumps(payload(subscription.address, letter), sort_keys=True, ensure_ascii=True).encode()
    return _post(subscription.address, body, signing.headers(subscription, letter=letter.letter, body=body, now=now))


def payload(address: str, letter: Letter) -> Mapping[str, object]:
    """What the service at this address takes: our document, or the form that Discord and Slack prescribe."""
    host = _host(address)
    if host in DISCORD:
        return {"content": shortened(letter.text), "allowed_mentions": {"parse": []}}
    if host in SLACK:
        plain = letter.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")  # else <!channel> calls all
        return {"text": shortened(plain)}
    return letter.document


def shortened(text: str) -> str:
    """At most `LONGEST` UTF-16 units, and never half of a character."""
    units = text.encode("utf-16-le", "replace")
    if len(units) <= 2 * LONGEST:
        return units.decode("utf-16-le")
    return units[: 2 * (LONGEST - 1)].decode("utf-16-le", "ignore") + "…"


def _post(address: str, body: bytes, more: Mapping[str, str]) -> int:
    headers = {"Content-Type": "application/json", "User-Agent": AGENT, "Accept": "*/*", **more}
    try:
        origin = url_guard.check(address, loopback_ports=_loopback())
        watch = Watch(PATIENCE, clock=time.monotonic)
        with http_client.request(
            origin, method="POST", headers=headers, body=body, watch=watch, limits=LIMITS, resolver=RESOLVER
        ) as answer:
            status = answer.status
    except FetchFailed as first:
        failed = fetch.settle_by_witness(first, witness=fetch.witness_of(settings.FETCH_WITNESS), timeout_s=5)
        sure = failed.code in ("bad_url", "wrong_scheme", "wrong_port", "credentials", "private_address")
        ours = failed.failure_class == "infrastructure"
        raise Undelivered(failed.code.upper(), failed.sentence, permanent=sure, ours=ours) from first
    except Exception as surprise:  # whatever a hostile receiver provokes here: the letter is given up in the end
        sentence = f"The letter could not be sent ({type(surprise).__name__}); its owner must check the address."
        raise Undelivered("NOT_SENT", sentence) from surprise
    if not 200 <= status < 300:
        sentence = f"The receiver answered {status}; its owner must look."
        raise Undelivered(f"HTTP_{status}", sentence, permanent=notices.permanent(status), status=status)
    return status


def _loopback() -> range:
    """The demo's receivers may be on this machine, as its miners are."""
    return range(1024, 65536) if settings.DEMO else range(0)


def email(subscription: Subscription, letter: Letter, *, now: datetime) -> int:
    if not settings.EMAIL_SENDER:
        sentence = "No mail server is set (GAUNTLET_EMAIL_URL and GAUNTLET_EMAIL_FROM); the operator must act."
        raise Undelivered("NO_MAIL_SERVER", sentence, ours=True)
    message = EmailMessage(letter.subject, letter.text, settings.EMAIL_SENDER, [subscription.address])
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as refused:
        raise Undelivered("REFUSED", "The mail server refuses this receiver.", permanent=True) from refused
    except (smtplib.SMTPException, OSError) as failed:
        raise Undelivered("MAIL_SERVER", f"The mail server did not take it: {failed}", ours=True) from failed
    return 250


def check_address(channel: str, address: str) -> None:
    """Raises BadAddress.  Nothing is looked up: a name is resolved, and checked, each time it is written to."""
    CHANNELS[channel].check(address)


def _check_email(address: str) -> None:
    try:
        validate_email(address)
    except ValidationError as bad:
        raise BadAddress("this is no e-mail address; give one like someone@example.org") from bad


def _check_url(address: str) -> None:
    try:
        url_guard.check(address, loopback_ports=_loopback())
    except FetchFailed as failed:
        raise BadAddress(f"{failed.sentence} Give an https:// address on port 443.") from failed


def _check_discord(address: str) -> None:
    _check_url(address)
    if _host(address) not in DISCORD or not urlsplit(address).path.startswith("/api/webhooks/"):
        raise BadAddress("a Discord address looks like https://discord.com/api/webhooks/…")


def _host(address: str) -> str:
    return (urlsplit(address).hostname or "").rstrip(".").lower()


@dataclass(frozen=True, kw_only=True)
class Channel:
    """`send` gives the receiver's status or raises Undelivered; `check` raises BadAddress for what can be no address of
    this channel.  `signed`: its letters carry a signature, so the owner is shown the secret.
    """

    about: str
    send: Callable[..., int]
    check: Callable[[str], None]
    signed: bool = False


CHANNELS: dict[str, Channel] = {
    "email": Channel(about="a letter to one e-mail address", send=email, check=_check_email),
    "discord": Channel(about="a message in a Discord channel", send=webhook, check=_check_discord),
    "webhook": Channel(about="a signed POST to an https address", send=webhook, check=_check_url, signed=True),
}
"""All channels there are: a row is all that one needs."""
