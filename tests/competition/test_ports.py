"""A server's port is nobody's, and not one that the kernel lends to connections."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from core.postgres import ports
from core.postgres.ports import free_port, highest, is_free


def test_a_free_port_is_outside_of_what_the_kernel_lends() -> None:
    for _ in range(100):
        assert ports.LOWEST <= free_port() < highest()
    if ports.LENT.exists():
        lowest, _ = map(int, ports.LENT.read_text().split())
        assert highest() <= lowest or lowest <= 2 * ports.LOWEST


@pytest.mark.parametrize("told", ["1024\t65535\n", "32768\t60999\n"])
def test_a_machine_that_lends_nearly_all_leaves_some(
    told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "range").write_text(told)
    monkeypatch.setattr(ports, "LENT", tmp_path / "range")
    assert highest() == ports.USUAL_LENT


def test_a_port_with_a_listener_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert not is_free(listening.getsockname()[1])


def test_where_all_are_taken_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port, *, host: False)
    with pytest.raises(OSError, match="are taken"):
        free_port()
