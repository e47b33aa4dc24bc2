"""A server that answers with whatever bytes a test gives it, HTTP or not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

Answer = Callable[[socket.socket], None]


def sent(head: str, body: bytes = b"") -> Answer:
    return lambda connection: connection.sendall(head.encode() + body)


def page(content: bytes) -> Answer:
    return sent(f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n", content)


def drip(begun: bytes, over: threading.Event) -> Answer:
    """A byte now and then after `begun`, until it is over."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(begun)
        while not over.wait(0.05):
            connection.sendall(b" ")

    return answer


class Site:
    """Gives every request the one answer."""

    def __init__(self) -> None:
        self.answer: Answer = lambda connection: None
        self.requests: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.answer_one, args=(connection,), daemon=True).start()

    def answer_one(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self.requests.append(connection.recv(65_536))
            self.answer(connection)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)
