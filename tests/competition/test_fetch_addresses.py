"""No form of address leads to our own network.  Nothing is dialled here: what would be dialled is recorded."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import ssrfguard
from hypothesis import given
from hypothesis import strategies as st

from core.net import url_guard
from core.net.failures import FetchFailed
from core.net.fetch import FetchPolicy, fetch
from core.net.host_slots import InProcess

PUBLIC = "93.184.215.14"
PUBLIC_V6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

Dialled = list[str]


class Dials(Exception):
    """Stands for the connection that would have been made."""


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dialled]:
    """Every socket that is opened, by anyone, is recorded and refused."""
    seen: Dialled = []

    def connect(_: socket.socket, address: tuple[Any, ...]) -> None:
        seen.append(str(address[0]))
        raise ConnectionRefusedError(111, "no dialling in this test")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("the real resolver was asked"))
    yield seen


def answer(*ips: str) -> Callable[..., list[url_guard.Answer]]:
    """A resolver that knows one answer, whatever it is asked."""

    def resolver(host: str, port: int, *_: Any) -> list[url_guard.Answer]:
        return [
            (socket.AF_INET6, 1, 6, "", (ip, port, 0, 0)) if ":" in ip else (socket.AF_INET, 1, 6, "", (ip, port))
            for ip in ips
        ]

    return resolver


def like_libc(host: str, port: int, *_: Any) -> list[url_guard.Answer]:
    """What the C library makes of a host: any number form is an address; every name is public."""
    literal = re.fullmatch(r"[0-9a-fA-FxX.]+", host.rstrip("."))
    try:
        ip = socket.inet_ntoa(socket.inet_aton(host.rstrip("."))) if literal else PUBLIC
    except OSError:
        ip = PUBLIC
    if ":" in host:
        ip = str(ip_address(host))
    return answer(ip)(host, port)


def tried(url: str, tmp_path: Path, resolver: url_guard.Resolver, **more: Any) -> FetchFailed:
    policy = FetchPolicy(spare_bytes=0, max_bytes=1000, **more)
    with pytest.raises(FetchFailed) as caught:
        fetch(url, policy=policy, into=tmp_path / "asset", slots=InProcess(1), resolver=resolver)
    return caught.value


HIDDEN = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7F.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0177.1/",
    "https://127.0.0.1./",
    "https://2130706433./",
    "https://0/",
    "https://0.0.0.0/",
    "https://localhost/",
    "https://10.0.0.1/",
    "https://10.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://169.254.169.254/",
    "https://0xa9fea9fe/",
    "https://2852039166/",
    "https://0251.0376.0251.0376/",
    "https://100.64.0.1/",
    "https://100.127.255.255/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://192.88.99.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001::1]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[100::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[2606:2800::1%25lo]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[5f00::1]/",
    "https://[::ffff:127.0.0.1%25lo]/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://127．0．0．1/",
    "https://１２７.0.0.1/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "https://%31%32%37.0.0.1/",
    "https://127.0.0.1%00.example.org/",
    "https://user@127.0.0.1/",
    "https://example.org@127.0.0.1/",
    "https://user:word@example.org/",
    "https://example.org:word@127.0.0.1:443/",
    "https://@127.0.0.1/",
    "https://127.0.0.1#@example.org/",
    "https://127.0.0.1\\@example.org/",
    "https://example.org\\@127.0.0.1/",
    "https://127.0.0.1?@example.org/",
    "https://example.org:22/",
    "https://example.org:80/",
    "https://example.org:0/",
    "https://example.org:99999/",
    "https://example.org:x/",
    "https://example.org:/\t",
    "http://example.org/",
    "http://127.0.0.1/",
    "http://127.0.0.1:8000/",
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "dict://127.0.0.1/",
    "data:text/plain,hi",
    "javascript:1",
    "//127.0.0.1/",
    "127.0.0.1",
    "",
    "https://",
    "https:///",
    "https:127.0.0.1",
    "https://exa mple.org/",
    "https://example.org/\r\nHost: 127.0.0.1",
    "\x00https://127.0.0.1/",
    "https://[/",
    "https://[::1",
    "https://" + "a" * 300 + ".org/",
    "https://example.org/" + "a" * 9000,
    "https://example.org/#x",
]


@pytest.mark.parametrize("url", HIDDEN)
def test_nothing_private_is_dialled(url: str, tmp_path: Path, dialled: Dialled) -> None:
    fault = tried(url, tmp_path, lambda host, *rest: like_libc("127.0.0.1" if host == "localhost" else host, *rest))
    assert dialled == [], f"{url!r} would have been dialled"
    assert fault.failure_class == "miner" and fault.code in {
        "bad_url",
        "wrong_scheme",
        "wrong_port",
        "credentials",
        "private_address",
        "name_unknown",
    }, fault.sentence


# Names that say nothing: what counts is what they resolve to.
RESOLVED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.255.255.255",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.20.0.1",
    "192.0.0.8",
    "192.0.0.171",
    "192.0.2.9",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.2",
    "192.168.1.1",
    "192.175.48.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.251",
    "233.252.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:93.184.215.14",
    "64:ff9b::1",
    "64:ff9b::5db8:d70e",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002::1",
    "2002:5db8:d70e::1",
    "3ffe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fdff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "4000::1",
    "e000::1",
]


@pytest.mark.parametrize("ip", RESOLVED)
def test_a_name_may_not_lead_inside(ip: str, tmp_path: Path, dialled: Dialled) -> None:
    assert tried("https://files.example.org/a.glb", tmp_path, answer(ip)).code == "private_address"
    assert tried("https://files.example.org/a.glb", tmp_path, answer(PUBLIC, ip)).code == "private_address"
    assert tried("https://files.example.org/a.glb", tmp_path, answer(ip, PUBLIC_V6)).code == "private_address"
    assert dialled == []


@pytest.mark.parametrize("ip", RESOLVED)
def test_our_own_table_would_do_alone(ip: str) -> None:
    assert url_guard.objection(ip_address(ip)) is not None


@given(st.ip_addresses())
def test_whatever_our_table_passes_ssrfguard_passes_too_or_neither_dials(ip: Any) -> None:
    """The union refuses; and what is plainly special by Python's own table is refused by ours."""
    if url_guard.objection(ip) is None:
        assert ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_loopback or ip.is_link_local)
        assert getattr(ip, "ipv4_mapped", None) is None and getattr(ip, "sixtofour", None) is None
        assert getattr(ip, "teredo", None) is None


PUBLIC_FORMS = {
    "https://example.org/a.glb": PUBLIC,
    "https://example.org./a.glb": PUBLIC,
    "https://EXAMPLE.org:443/a.glb": PUBLIC,
    "HTTPS://example.org/a b".replace(" ", "%20"): PUBLIC,
    "https://bücher.example/ü.glb": PUBLIC,
    "https://xn--bcher-kva.example/": PUBLIC,
    f"https://{PUBLIC}/a.glb": PUBLIC,
    f"https://[{PUBLIC_V6}]/a.glb": PUBLIC_V6,
}


@pytest.mark.parametrize("url", PUBLIC_FORMS)
def test_a_public_host_is_dialled_at_the_address_that_was_checked(url: str, tmp_path: Path, dialled: Dialled) -> None:
    assert tried(url, tmp_path, like_libc).code == "refused"
    assert dialled == [PUBLIC_FORMS[url]]


def test_a_name_is_looked_up_once(tmp_path: Path, dialled: Dialled) -> None:
    """A resolver that answers inside from the second question on is never asked a second one."""
    asked: list[str] = []

    def rebinding(host: str, port: int, *_: Any) -> list[url_guard.Answer]:
        asked.append(host)
        return answer(PUBLIC if len(asked) == 1 else "127.0.0.1")(host, port)

    assert tried("https://rebind.example.org/", tmp_path, rebinding).code == "refused"
    assert asked == ["rebind.example.org"] and dialled == [PUBLIC]


def test_a_flood_of_answers_costs_few_connections(tmp_path: Path, dialled: Dialled) -> None:
    tried("https://example.org/", tmp_path, answer(*(f"93.184.215.{n}" for n in range(200))))
    assert len(dialled) <= 4


@pytest.mark.parametrize(
    ("number", "code", "failure_class"),
    [
        (socket.EAI_NONAME, "name_unknown", "miner"),
        (socket.EAI_NODATA, "name_unknown", "miner"),
        (socket.EAI_AGAIN, "name_silent", "miner"),
        (socket.EAI_FAIL, "name_silent", "miner"),
    ],
)
def test_where_no_witness_is_asked_a_silent_name_server_is_the_miners_and_holds_up_nobody(
    number: int, code: str, failure_class: str, tmp_path: Path, dialled: Dialled
) -> None:
    def silent(*_: Any) -> list[url_guard.Answer]:
        raise socket.gaierror(number, "as the C library says it")

    fault = tried("https://example.org/", tmp_path, silent)
    assert (fault.code, fault.failure_class) == (code, failure_class)


def test_a_lookup_without_end_ends(tmp_path: Path, dialled: Dialled) -> None:
    import threading

    from core.net.limits import Patience

    over = threading.Event()

    def endless(*_: Any) -> list[url_guard.Answer]:
        over.wait(120)
        return []

    fault = tried("https://example.org/", tmp_path, endless, patience=Patience(connect_s=0.1))
    over.set()
    assert fault.code == "name_silent"


def test_a_dead_name_server_of_the_miners_is_not_ours_where_the_witness_answers(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def resolver(host: str, *rest: Any) -> list[url_guard.Answer]:
        if host == "witness.example":
            return answer("127.0.0.1")(host, port)
        raise socket.gaierror(socket.EAI_AGAIN, "silent")

    with listener:
        fault = tried("https://example.org/", tmp_path, resolver, witness=("witness.example", port))
    assert (fault.code, fault.failure_class) == ("name_silent", "miner")
    fault = tried("https://example.org/", tmp_path, resolver, witness=("also.silent", port))
    assert (fault.code, fault.failure_class) == ("our_network", "infrastructure")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:22/",
        "http://localhost:9000/",
        "http://10.0.0.1:9000/",
        "http://[::1]:9000/",
        "http://127.0.0.1/",
        "https://127.0.0.1:9000/",
        "http://2130706433:9000/",
    ],
)
def test_the_demo_opens_loopback_at_its_ports_only(url: str, tmp_path: Path, dialled: Dialled) -> None:
    tried(url, tmp_path, like_libc, loopback_ports=(9000,))
    assert dialled == []


def test_the_demo_does_dial_its_port(tmp_path: Path, dialled: Dialled) -> None:
    assert tried("http://127.0.0.1:9000/a", tmp_path, like_libc, loopback_ports=(9000,)).code == "refused"
    assert dialled == ["127.0.0.1"]


@given(st.text(max_size=60).map(lambda text: f"https://{text}/a.glb") | st.text(max_size=80))
def test_no_text_makes_the_guard_stumble(url: str) -> None:
    """It refuses with a code, or names an origin whose request line is plain ASCII."""
    try:
        origin = url_guard.check(url)
    except FetchFailed as failed:
        assert failed.failure_class == "miner" and failed.sentence.isascii()
        return
    assert origin.scheme == "https" and origin.port == 443
    assert re.fullmatch(r"/[!-~]*", origin.target)
    assert re.fullmatch(r"[!-~]+", origin.host_header)


def test_the_guard_under_us_is_the_one_we_tested() -> None:
    assert ssrfguard.__version__ == "0.4.1"
