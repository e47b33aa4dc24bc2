"""The certificate must be for the name in the address, whatever address was dialled, and an end must be said."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from core.net import http_client, url_guard
from core.net.failures import FetchFailed
from core.net.limits import Patience, TransferLimits, Watch
from core.net.tls import tls_context

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="no openssl on this machine to make a certificate"
)

NAME = "files.example.org"
PATIENT = Patience(total_s=200, connect_s=100, idle_s=100)


@dataclass
class TlsHost:
    """Takes one connection, notes the name it was asked for, and answers with `body` under `announced` bytes."""

    certificate: Path
    body: bytes = b"glTF"
    announced: int = 4
    goodbye: bool = True
    names: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        context.sni_callback = lambda _, name, __: self.names.append(name)
        try:
            sock = context.wrap_socket(self.listener.accept()[0], server_side=True)
            sock.recv(4096)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.announced + self.body)
            if self.goodbye:
                sock.unwrap()
            sock.close()
        except OSError:
            return


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and self-signed certificate for NAME in one file."""
    folder = tmp_path_factory.mktemp("tls")
    made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    command = ["openssl", *made, *subject, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return both


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Dial loopback where a checked address would be dialled: what is under test comes after the dialling."""
    ports: list[int] = []

    def connected(*_: object, **__: object) -> socket.socket:
        return socket.create_connection(("127.0.0.1", ports[0]), timeout=100)

    monkeypatch.setattr(http_client, "_connected", connected)
    monkeypatch.setattr(url_guard, "addresses", lambda *_, **__: ())
    yield ports


def got(url: str, trust: Path | None, *, patience: Patience = PATIENT) -> bytes:
    context = ssl.create_default_context(cafile=trust) if trust else tls_context()
    watch = Watch(patience, time.monotonic)
    limits = TransferLimits(header_bytes=4096, exact=True)
    with http_client.request(url_guard.check(url), watch=watch, limits=limits, tls=context) as response:
        return b"".join(response.body)


def test_the_name_in_the_address_is_what_is_asked_for_and_verified(certificate: Path, loopback: list[int]) -> None:
    host = TlsHost(certificate)
    loopback.append(host.listener.getsockname()[1])
    assert got(f"https://{NAME}./a.glb", certificate) == b"glTF"
    assert host.names == [NAME]


@pytest.mark.parametrize(
    ("url", "trusted"),
    [(f"https://{NAME}/", False), ("https://other.example.org/", True), ("https://93.184.215.14/", True)],
)
def test_any_other_certificate_is_refused(url: str, trusted: bool, certificate: Path, loopback: list[int]) -> None:
    loopback.append(TlsHost(certificate).listener.getsockname()[1])
    with pytest.raises(FetchFailed) as caught:
        got(url, certificate if trusted else None)
    assert caught.value.code == "bad_certificate"


def test_a_connection_cut_without_a_goodbye_is_no_end(certificate: Path, loopback: list[int]) -> None:
    host = TlsHost(certificate, announced=100, goodbye=False)
    loopback.append(host.listener.getsockname()[1])
    with pytest.raises(FetchFailed) as caught:
        got(f"https://{NAME}/", certificate)
    assert caught.value.code == "truncated"


def test_a_host_that_speaks_no_tls_is_refused(loopback: list[int]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        loopback.append(listener.getsockname()[1])

        def plain() -> None:
            sock, _ = listener.accept()
            sock.recv(100)
            sock.sendall(b"HTTP/1.1 400 Speak plainly\r\n\r\n")
            sock.close()

        thread = threading.Thread(target=plain)
        thread.start()
        with pytest.raises(FetchFailed) as caught:
            got(f"https://{NAME}/", None)
        thread.join(120)
    assert caught.value.code == "tls_failed"


def test_a_handshake_without_end_ends(loopback: list[int]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        loopback.append(listener.getsockname()[1])
        with pytest.raises(FetchFailed) as caught:
            got(f"https://{NAME}/", None, patience=replace(PATIENT, connect_s=0.5))
    assert caught.value.code == "connect_timeout"
