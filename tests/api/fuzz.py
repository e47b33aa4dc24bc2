"""What does the API answer to thousands of requests that nobody thought of?

    python -m tests.api.fuzz --cases 2000

Schemathesis makes them from the OpenAPI document, right and wrong ones, half of them signed by a registered hotkey, and
sends them to the real web server over the made competition, on a database of its own.  Exit 1 for a 5xx that is not
documented, an answer that is not as documented, or one that was not in time.

To make a case costs more processor time than to answer it, so as many processes make them as there are processors, each
from a seed of its own.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
os.environ["GAUNTLET_API_REQUESTS_PER_MINUTE"] = os.environ["GAUNTLET_API_SIGNED_PER_MINUTE"] = "100000000"

import django

django.setup()

import requests  # noqa: E402
import schemathesis  # noqa: E402
from bittensor_core import Keypair  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings  # noqa: E402
from schemathesis.core.failures import FailureGroup  # noqa: E402
from schemathesis.generation import GenerationMode  # noqa: E402
from schemathesis.specs.openapi import checks as openapi_checks  # noqa: E402

from competition.management.commands.run import parts  # noqa: E402
from core.postgres.ports import free_port  # noqa: E402
from tests.api.signing import headers as signed_headers  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CHECKS = [
    schemathesis.checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.response_headers_conformance,
]
OUTAGES = {503}  # documented, but here nothing was out
LONGEST_LINE = 8000
AT_ONCE = 60
LONGEST_S = 30
KEY = "//fuzz"
FAR = 10_000_000  # between two processes' seeds


def fill() -> dict[str, list[Any]]:
    """The made competition and a registered key; values that lead somewhere."""
    from competition.models import SimulatedChain
    from tests.dashboard import made_round

    call_command("migrate", interactive=False, verbosity=0)
    made = made_round.make()
    key = Keypair.create_from_uri(KEY)
    SimulatedChain.objects.get(name="made").registrations.create(uid=9, hotkey=key.ss58_address)
    type(made.competition).objects.filter(slug="made").update(
        config={**made.competition.config, "signed_reveals": True}
    )
    connection.close()
    hotkeys = [miner.hotkey for miner in made.miners]
    return {
        "competition": ["made"],
        "number": [1, 2],
        "kind": ["screen", "screen", "audit"],
        "defender": ["leader"],
        "entry": ["leader", *hotkeys],
        "challenger": hotkeys,
        "hotkey": [*hotkeys, key.ss58_address],
        "stem": ["prompt-000", "prompt-011"],
    }


@contextmanager
def served() -> Iterator[str]:
    """The web server as `manage.py run` starts it."""
    port = free_port()
    web = parts(host="127.0.0.1", port=port, workers=1, demo=False)[0]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(web.argv, cwd=ROOT, env=os.environ | dict(web.env), stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(f"{url}/healthz")
            yield url
        finally:
            server.terminate()
            server.wait(120)
            log.seek(0)
            sys.stderr.writelines(traces(log.read()))


def traces(log: str) -> list[str]:
    """What the server said of its own faults."""
    found = [f"Traceback{part[:2000]}\n" for part in log.split("Traceback")[1:]]
    return found[:5]


def wait_for(url: str) -> None:
    for _ in range(120):
        try:
            if requests.get(url, timeout=5).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.5)
    raise SystemExit(f"{url} does not answer")


def sign(case: Any, *, base: str, key: Keypair) -> dict[str, str]:
    """Headers for the request as it will be sent."""
    told = case.as_transport_kwargs(base_url=base)
    names = ("method", "url", "params", "json", "data", "headers", "cookies", "files")
    sent = requests.Request(**{name: told[name] for name in names if name in told}).prepare()
    parts_of = urlsplit(str(sent.url))
    path = parts_of.path + (f"?{parts_of.query}" if parts_of.query else "")
    body = sent.body.encode() if isinstance(sent.body, str) else bytes(sent.body or b"")
    return signed_headers(key, method=str(sent.method), path=path, body=body, host=parts_of.netloc)


class Run:
    """Sends the cases of each operation and remembers what came of them."""

    def __init__(self, *, base: str, key: Keypair, known: dict[str, list[Any]]) -> None:
        self.base, self.key, self.known = base, key, known
        self.turns, self.dice = itertools.count(), random.Random(1)
        self.statuses: collections.Counter[int] = collections.Counter()
        self.wrong: dict[str, str] = {}
        self.session = requests.Session()  # one connection for all

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    def one(self, case: Any) -> None:
        kwargs: dict[str, Any] = {"base_url": self.base, "timeout": LONGEST_S, "session": self.session}
        turn = next(self.turns)
        if turn % 3:  # most addresses that are made up lead nowhere
            real = {
                name: self.dice.choice(self.known[name]) for name in case.path_parameters or {} if name in self.known
            }
            case.path_parameters = {**(case.path_parameters or {}), **real}
        if turn % 2:
            kwargs["headers"] = sign(case, base=self.base, key=self.key)
        answer = case.call(**kwargs)
        self.statuses[answer.status_code] += 1
        if len(str(answer.request.url)) > LONGEST_LINE:
            return  # the HTTP server itself refuses it, before there is an API to ask
        try:
            if answer.status_code in OUTAGES:
                raise AssertionError(f"{answer.status_code}: {answer.text[:300]}")
            case.validate_response(answer, checks=CHECKS)
        except (Exception, FailureGroup) as error:
            said = "\n".join(str(part) for part in getattr(error, "exceptions", [error]))
            name = f"{case.method} {case.operation.path}: {said.splitlines()[0] if said else type(error).__name__}"
            if name not in self.wrong:
                self.wrong[name] = f"{case.as_curl_command()}\n{said[:1500]}"
                print(f"\nWRONG {name}\n{self.wrong[name]}", file=sys.stderr, flush=True)

    def operation(self, operation: Any, *, cases: int, number: int) -> None:
        for mode, share in ((GenerationMode.POSITIVE, cases - cases // 2), (GenerationMode.NEGATIVE, cases // 2)):
            manner = settings(
                max_examples=max(1, share),
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                verbosity=Verbosity.quiet,
            )
            try:
                seed(number)(manner(given(case=operation.as_strategy(generation_mode=mode))(self.one)))()
            except Exception as error:
                if type(error).__name__ not in ("Unsatisfiable", "UnsatisfiableError"):
                    raise  # an address without parameters has no wrong ones


def rounds(run: Run, operations: list[Any], *, cases: int, until: float, number: int) -> None:
    """All operations in turn, a few dozen cases each, until there are enough or the time is over."""
    for turn in itertools.count():
        left = cases - run.total
        if left <= 0 or time.monotonic() > until:
            return
        for place, operation in enumerate(operations):
            each = min(AT_ONCE, max(2, -(-left // len(operations))))
            run.operation(operation, cases=each, number=number + 1000 * turn + place)
        print(f"seed {number}: {run.total} cases, {len(run.wrong)} wrong", flush=True)


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one process sent, and what came of it."""

    operations: int
    statuses: collections.Counter[int]
    wrong: dict[str, str]


def part(base: str, known: dict[str, list[Any]], cases: int, until: float, number: int) -> Part:
    """As many cases against the server at `base`, from the seed `number`."""
    document = schemathesis.openapi.from_url(f"{base}/api/v1/openapi.json")
    operations = [found.ok() for found in document.get_all_operations()]
    run = Run(base=base, key=Keypair.create_from_uri(KEY), known=known)
    rounds(run, operations, cases=cases, until=until, number=number)
    return Part(operations=len(operations), statuses=run.statuses, wrong=run.wrong)


def attacked(base: str, known: dict[str, list[Any]], *, cases: int, minutes: float, number: int, workers: int) -> Part:
    """All parts together; a seed's last digits are the turn's and the operation's, so parts stand far apart."""
    until, each = time.monotonic() + 60 * minutes, -(-cases // workers)
    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        seeds = [number + FAR * place for place in range(workers)]
        done = [pool.submit(part, base, known, each, until, own) for own in seeds]
        parts_done = [future.result() for future in done]
    statuses = sum((found.statuses for found in parts_done), collections.Counter())
    wrong = {name: how for found in parts_done for name, how in found.wrong.items()}
    return Part(operations=parts_done[0].operations, statuses=statuses, wrong=wrong)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--cases", type=int, default=2000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--minutes", type=float, default=600, help="stop then, whatever is left")
    asked.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that make cases")
    options = asked.parse_args()
    known, began = fill(), time.monotonic()
    with served() as base:
        run = attacked(
            base, known, cases=options.cases, minutes=options.minutes, number=options.seed, workers=options.workers
        )
    seconds, total, told = time.monotonic() - began, run.statuses.total(), dict(sorted(run.statuses.items()))
    print(f"{total} cases on {run.operations} operations in {seconds:.0f} s, {total / seconds:.0f} a second: {told}")
    print("".join(f"WRONG {name}\n" for name in sorted(run.wrong)), end="")
    print(f"5xx: {sum(n for s, n in told.items() if s >= 500)}; answers that are not as documented: {len(run.wrong)}")
    sys.exit(1 if run.wrong or total < options.cases else 0)


if __name__ == "__main__":
    main()
