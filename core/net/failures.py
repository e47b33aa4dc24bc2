"""What may go wrong with a download, whose fault is it, and is it worth another try?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

FailureClass = Literal["miner", "infrastructure"]
Who = Literal["miner", "operator"]

LONGEST_DELAY_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way a download can fail.  `tries`: how many such tries end it; None: it never ends by itself."""

    code: str
    failure_class: FailureClass
    sentence: str  # {detail} holds what was seen
    tries: int | None
    delay_s: float = 10.0  # before the second try; doubles from try to try

    @property
    def who(self) -> Who:
        """Who must act."""
        return "miner" if self.failure_class == "miner" else "operator"


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Try again after so many seconds."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No further try: the file counts as not delivered."""


def _miner(code: str, tries: int, sentence: str, *, delay_s: float = 10.0) -> Fault:
    return Fault(code=code, failure_class="miner", sentence=sentence, tries=tries, delay_s=delay_s)


def _ours(code: str, sentence: str, *, delay_s: float = 10.0) -> Fault:
    return Fault(code=code, failure_class="infrastructure", sentence=sentence, tries=None, delay_s=delay_s)


_FAULTS = (
    # the address itself: trying again cannot change it
    _miner("bad_url", 1, "The address cannot be used: {detail}."),
    _miner("wrong_scheme", 1, "The address must start with https://; it is {detail}."),
    _miner("wrong_port", 1, "Files are fetched from port 443 only, not from {detail}."),
    _miner("credentials", 1, "The address may not hold a user name or password."),
    _miner("private_address", 3, "The host leads to an address that is not public: {detail}."),
    # reaching the host
    _miner("name_unknown", 4, "The host's name is unknown: {detail}.", delay_s=30),
    _miner("name_silent", 6, "The host's name servers gave no answer: {detail}.", delay_s=20),
    _miner("refused", 6, "The host refused the connection: {detail}.", delay_s=20),
    _miner("unreachable", 6, "The host cannot be reached: {detail}.", delay_s=20),
    _miner("connect_timeout", 6, "The host did not take the connection within {detail}.", delay_s=20),
    _miner("bad_certificate", 4, "The host's certificate is not valid: {detail}.", delay_s=30),
    _miner("tls_failed", 4, "No secure connection could be made: {detail}.", delay_s=30),
    # what the host answers
    _miner("broken_http", 4, "The host's answer is not valid HTTP: {detail}."),
    _miner("headers_too_big", 2, "The host sent more than {detail} of headers."),
    _miner("too_many_redirects", 2, "The host redirects more than {detail}."),
    _miner("not_found", 2, "The file is not there: the host answered {detail}.", delay_s=30),
    _miner("forbidden", 3, "The host does not let us have the file: it answered {detail}.", delay_s=30),
    _miner("busy", 8, "The host asks us to come back later: it answered {detail}.", delay_s=15),
    _miner("server_error", 6, "The host failed: it answered {detail}.", delay_s=15),
    _miner("unexpected_status", 2, "The host answered {detail}, which is no file."),
    _miner("encoded", 2, "The host sent the file compressed ({detail}) though it was asked not to."),
    _miner("no_length", 2, "The host does not say where the file ends; it must send Content-Length or chunks."),
    # the bytes
    _miner("too_big", 1, "The file is larger than {detail}."),
    _miner("empty", 2, "The file is empty."),
    _miner("truncated", 5, "The connection ended before the file did: {detail}."),
    _miner("longer_than_said", 3, "The host sent more bytes than it announced: {detail}."),
    _miner("too_slow", 4, "The host sends too slowly: {detail}."),
    _miner("silent", 5, "The host stopped sending: nothing came for {detail}."),
    _miner("out_of_time", 5, "The file did not arrive in time: {detail}."),
    _miner("false_range", 3, "The host sent a part of the file as if it were asked for: {detail}."),
    # ours
    _ours("our_names", "Our name server gives no answer ({detail}); the operator must look at it."),
    _ours("our_network", "Our own network is down ({detail}); the operator must look at it.", delay_s=20),
    _ours("our_disk_full", "Our disk is full ({detail}); the operator must make room.", delay_s=30),
    _ours("our_disk", "Our disk failed ({detail}); the operator must look at it.", delay_s=30),
    _ours("no_slot", "As many files as allowed are being fetched from this host: waiting for a turn.", delay_s=2),
    _ours("our_fault", "The download failed in our own code ({detail}); the operator must look at it.", delay_s=30),
)

FAULTS: Mapping[str, Fault] = MappingProxyType({fault.code: fault for fault in _FAULTS})


class FetchFailed(Exception):
    """A download failed: `code` names one of FAULTS, `sentence` can be read by a miner."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.fault = FAULTS[code]
        self.code = code
        self.detail = printable(detail)
        super().__init__(self.sentence)

    @property
    def failure_class(self) -> FailureClass:
        return self.fault.failure_class

    @property
    def sentence(self) -> str:
        return self.fault.sentence.replace("{detail}", self.detail or "nothing more is known")

    @property
    def who(self) -> Who:
        return self.fault.who


def retry_policy(failure: Fault | FetchFailed | str, *, attempt: int) -> RetryAfter | GiveUp:
    """After try number `attempt` (from 1; only tries that failed for a reason of the miner's count) ended so.

    A fault that is ours never ends a download: it is tried until it passes, and the operator is notified.
    """
    if isinstance(failure, FetchFailed):
        failure = failure.fault
    fault = FAULTS[failure] if isinstance(failure, str) else failure
    if attempt < 1:
        raise ValueError("tries count from 1")
    if fault.tries is not None and attempt >= fault.tries:
        return GiveUp()
    return RetryAfter(min(LONGEST_DELAY_S, fault.delay_s * 2.0 ** min(attempt - 1, 16)))


def printable(text: str, *, longest: int = 200) -> str:
    """What a host wrote, fit to be shown: one line, ASCII, not endless."""
    shown = "".join(char if " " <= char <= "~" else "?" for char in text[: longest + 1])
    return shown if len(text) <= longest else f"{shown[:longest]}..."
