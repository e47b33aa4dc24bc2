"""How are servers that nobody here wrote started, stopped and put behind one address?"""

from __future__ import annotations

import contextlib
import http.server
import itertools
import os
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from judging.panel.questions.version import version_named

ROOT = Path(__file__).resolve().parents[2]
SERVED_AS = version_named("vlm-2").served_as
STARTS_S = 900.0  # a server loads torch four times, compiles and warms up, on a machine that may be busy
OFFLINE = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "TOKENIZERS_PARALLELISM": "false"}


@dataclass(frozen=True)
class ServerKind:
    """`venv`: where `make test-servers` installed it; `makes`: the module that writes its model; `command`: (Python of
    the environment, model, port) -> what is run; `judges`: whether a judge may be behind it."""

    name: str
    venv: str
    makes: str
    command: Callable[[str, Path, int], list[str]]
    judges: bool
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        return ROOT / self.venv / "bin" / "python"

    @property
    def installed(self) -> bool:
        return (ROOT / self.venv / "installed").exists()


def vllm(python: str, model: Path, port: int) -> list[str]:
    return [
        python,
        "-m",
        "vllm.entrypoints.openai.api_server",
        "--model",
        str(model),
        "--served-model-name",
        SERVED_AS,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--dtype",
        "float32",
        "--max-model-len",
        "2048",
        "--max-num-seqs",
        "8",
        "--enforce-eager",
        "--max-logprobs",
        "20",
        "--enable-prefix-caching",
        "--limit-mm-per-prompt",
        '{"image": 3, "video": 0}',
    ]


def vllm_listing_nothing(python: str, model: Path, port: int) -> list[str]:
    """As some are set up: no alternatives to a token are listed."""
    command = vllm(python, model, port)
    command[command.index("--max-logprobs") + 1] = "0"
    return command


def transformers_serve(python: str, model: Path, port: int) -> list[str]:
    """It serves what is in the hub's cache, under the name with which it is asked."""
    program = str(Path(python).with_name("transformers"))
    return [program, "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]


def llama(python: str, model: Path, port: int) -> list[str]:
    return [
        python,
        "-m",
        "llama_cpp.server",
        "--model",
        str(model),
        "--model_alias",
        SERVED_AS,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--n_ctx",
        "8192",
        "--logits_all",
        "true",
    ]


VLLM = ServerKind(
    "vLLM",
    ".venv-servers-vllm",
    "tests.servers.tiny_qwen",
    vllm,
    judges=True,
    environment={"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_LOGGING_LEVEL": "WARNING"},
)
VLLM_LISTING_NOTHING = replace(VLLM, name="vLLM --max-logprobs 0", command=vllm_listing_nothing)
TRANSFORMERS = ServerKind(
    "transformers serve", ".venv-servers-transformers", "tests.servers.tiny_qwen", transformers_serve, judges=False
)
LLAMA = ServerKind("llama.cpp", ".venv-servers-llama", "tests.servers.tiny_gguf", llama, judges=False)
KINDS = (VLLM, TRANSFORMERS, LLAMA)


def made_model(kind: ServerKind, folder: Path) -> Path:
    """Writes the model with the packages of the server's own environment, where the hub's cache under `folder` has the
    judge's: `transformers serve` lists a revision there only if a branch or tag is called like it."""
    version = version_named("vlm-2")
    repository = folder / f"models--{version.model.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / version.revision).write_text(version.revision)
    target = repository / "snapshots" / version.revision
    target = target / "tiny.gguf" if kind is LLAMA else target
    target.parent.mkdir(parents=True)
    command = [str(kind.python), "-m", kind.makes, str(target)]
    ran = subprocess.run(command, cwd=ROOT, env=os.environ | OFFLINE, capture_output=True, text=True, timeout=STARTS_S)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return target


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class RunningServer:
    """A process of a server, which can be killed and started again at the same port."""

    def __init__(self, kind: ServerKind, model: Path, *, port: int = 0) -> None:
        self.kind, self.model, self.port = kind, model, port or free_port()
        self.log = tempfile.TemporaryFile(mode="w+b")  # noqa: SIM115  closed by stop
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = self.kind.command(str(self.kind.python), self.model, self.port)
        environment = os.environ | OFFLINE | {"HF_HUB_CACHE": str(self.model.parents[2])} | self.kind.environment
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=self.log, stderr=self.log, start_new_session=True
        )
        until = time.monotonic() + STARTS_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise AssertionError(f"{self.kind.name} did not start: {self.words()}")
            time.sleep(0.5)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/v1/models", timeout=60) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def words(self) -> str:
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")[-3000:]

    def kill(self) -> None:
        """With all that it started, at once, as a machine that fails does."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait(60)

    def stop(self) -> None:
        self.kill()
        self.log.close()


@contextmanager
def pictures_served(files: dict[str, bytes]) -> Iterator[str]:
    """An address pattern under which a server reads pictures by hash."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = files.get(self.path.strip("/"))
            self.send_response(200 if data else 404)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/{{sha256}}"
        server.shutdown()
        thread.join(60)


@contextmanager
def balanced(urls: list[str]) -> Iterator[str]:
    """One address for several servers: each connection goes to the next of those that take it."""
    ports = itertools.cycle([int(url.rpartition(":")[2]) for url in urls])
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def accept() -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = listener.accept()
                server = first_that_takes(itertools.islice(ports, len(urls)))
                if server is None:
                    client.close()
                    continue
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def first_that_takes(ports: Iterable[int]) -> socket.socket | None:
    for port in ports:
        with contextlib.suppress(OSError):
            server = socket.create_connection(("127.0.0.1", port), timeout=5)
            server.settimeout(None)
            return server
    return None


def pump(source: socket.socket, target: socket.socket) -> None:
    """Carries bytes one way until either end is gone; then neither is left open."""
    with source, target, contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)
