"""What does each address of the API answer over the made competition, to the letter?

The clock stands still while this is recorded, so that two recordings of the same code are equal.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pyarrow.parquet as pq
from django.conf import settings
from django.core.cache import caches
from django.db import transaction
from django.test import Client

from audits.models import Build, PodRun
from competition.models import Asset, Checkpoint, Submission
from core import ledger
from dashboard.api import tokens
from dashboard.api.models import UsedNonce
from tests.api import contract, signing
from tests.api.conftest import Api, people
from tests.dashboard import made_round
from tests.dashboard.made_round import NOW

V1 = "/api/v1"
TIME = NOW + timedelta(minutes=5)
LONGEST = 2  # entries of a list in an example
HEADERS = (
    "Access-Control-Allow-Origin",
    "Allow",
    "Cache-Control",
    "Content-Type",
    "Last-Modified",
    "Link",
    "RateLimit",
    "RateLimit-Limit",
    "RateLimit-Policy",
    "RateLimit-Remaining",
    "Retry-After",
    "Vary",
    "WWW-Authenticate",
)
TABLES = (
    "competitions",
    "rounds",
    "submissions",
    "reveals",
    "prompts",
    "assets",
    "views",
    "measurements",
    "matches",
    "duels",
    "audits",
    "findings",
    "appeals",
    "ledger",
    "checkpoints",
    "bundles",
    "opinions",
    "reigns",
)
NARROWED = (
    "competitions?active=true",
    "rounds?stage=finished&as_of_round=1&as_of_block=5000",
    "submissions?eligible=false&role=challenger&competition=made",
    "submissions?hotkey={winner}&as_of_round=1&as_of_block=1099&round=1",
    "submissions?commit={commit}",
    "reveals?as_of_block=5000&hotkey={winner}",
    "prompts?round=1&stem=prompt-003",
    "assets?state=failed&round=1&limit=2",
    "assets?prompt=prompt-000&origin=generated&role=leader&hotkey={leader}",
    "views?state=rendered&limit=1",
    "measurements?competition=made&round=1&role=leader&origin=generated&prompt=prompt-000&hotkey={leader}",
    "matches?kind=screen&round=1&defender=leader&challenger={winner}",
    "matches?hotkey={winner}&as_of_round=1&state=decided",
    "duels?outcome=challenger&kind=screen&round=1&limit=2",
    "duels?prompt=prompt-000&state=judged&defender=leader&fields=id,result,score_micro",
    "audits?kind=source&state=passed&hotkey={winner}&as_of_round=1",
    "findings?kind=x&severity=error",
    "appeals?kind=source&round=1&hotkey={winner}",
    "ledger?kind=reign&after_seq=1&as_of_seq=2&round=1",
    "checkpoints?as_of_seq=2&competition=made",
    "bundles?round=1&competition=made",
    "opinions?round=1&competition=made&registered=true&hotkey={winner}",
    "reigns?defence=false&as_of_round=1&as_of_block=5000&hotkey={winner}",
    "reigns?order=asc&limit=1",
    "matches?fields=margin,id",
    "duels?limit=0",
    "duels?limit=201",
    "duels?limit=20000",
    "duels?cursor=AAAA",
    "duels?cursor=%2e",
    "duels?order=random",
    "duels?round=one",
    "duels?round=1&round=2",
    "duels?round=",
    "duels?colour=red",
    "duels?%E2%80%AEx=1",
    "duels?fields=",
    "duels?fields=id,secret",
    "duels?fields=id&fields=id",
    "duels?format=xml",
    "duels?state=JUDGED",
    "duels?competition=a%00b",
    "duels?prompt=..%2Fetc",
    "submissions?eligible=yes",
    "submissions?hotkey=5abc",
    "ledger?after_seq=99999999999999999999",
    "competitions/made?limit=1",
    "competitions/none",
    "competitions/made/rounds/9",
    "competitions/made/rounds/99999999999",
    "competitions/made/leader?as_of_round=1&as_of_block=1",
    "competitions/made/rounds/1/matches/other/leader/{winner}",
    "miners/5unknown/standing",
    "nothing",
    "rounds/",
)
Recorded = dict[str, Any]


def fill() -> Api:
    """The made competition with a ledger, a signed head, and an entry that has a built image and a pod at work."""
    api = people(made_round.make(), client=Client())
    made = api.made.competition
    with transaction.atomic():
        ledger.append(made.pk, kind="round.open", body={"round": 1}, at=NOW)
        event = ledger.append(made.pk, kind="reign", body={"sequence": 2, "weight": "1", "round": 1}, at=NOW)
    text = ledger.checkpoint_text(origin="made", seq=2, head=event.hash, round_number=1, stage="finished", block=2000)
    signature = hashlib.sha512(text.encode()).hexdigest()  # of the right form: a real one is another every time
    Checkpoint.objects.create(
        competition=made, seq=2, text=text, created_at=NOW, signature=signature, signed_by=api.newcomer.hotkey
    )
    made_round.measure(Asset.objects.filter(submission__round=api.made.finished, state="stored").order_by("pk"))
    entry = Submission.objects.get(round__number=2, miner__hotkey=api.entered.hotkey)
    Build.objects.create(
        submission=entry,
        builder="engine",
        state="built",
        since=NOW,
        archive="a" * 64,
        digest="sha256:" + "b" * 64,
        log="Step 1/3 : FROM python:3.11-slim\nSuccessfully built\n",
    )
    PodRun.objects.create(
        submission=entry,
        purpose="audit",
        seed=7,
        provider="docker",
        state="generating",
        since=NOW,
        waiting_for="the batch is being generated",
        log="loading weights\nready\n",
    )
    return api


@contextmanager
def standing_clock(at: datetime = TIME) -> Iterator[None]:
    with mock.patch("django.utils.timezone.now", lambda: at), mock.patch("core.clock.now", lambda: at):
        yield


class Recorder:
    """Sends requests one by one, each as if it were the first, and keeps what is answered."""

    def __init__(self, api: Api) -> None:
        self.api, self.client = api, Client()
        self.recorded: Recorded = {}
        self.examples: Recorded = {}

    def send(self, path: str, *, method: str = "GET", name: str = "", **more: Any) -> Any:
        for each in ("default", "throttles"):
            caches[each].clear()
        UsedNonce.objects.all().delete()
        result = self.client.generic(method, path, **more)
        self.recorded[name or f"{method} {path}"] = _kept(result)
        return result

    def signed(self, path: str, *, method: str = "GET", value: Any = None, name: str = "") -> Any:
        body = b"" if value is None else json.dumps(value).encode()
        headers = signing.headers(
            self.api.entered.key, method=method, path=path, body=body, timestamp=round(TIME.timestamp() * 1000)
        )
        named = name or f"{method} {path} signed" + (f" {json.dumps(value, sort_keys=True)}" if value else "")
        return self.send(path, method=method, name=named, data=body, content_type="application/json", headers=headers)

    def example(self, path: str, *, signed: bool = False, **more: Any) -> Any:
        """Recorded, and kept for the documentation as well."""
        result = self.signed(path) if signed else self.send(path, **more)
        assert result.status_code == 200, (path, result.content)
        self.examples[contract.operation(path, "GET")["operationId"]] = short(plain(result.json()))
        return result


def record() -> tuple[Recorded, Recorded]:
    """(every answer by its request, an example by operation), over an empty database."""
    usual = {"ALLOWED_HOSTS": ["*"], "API_REQUESTS_PER_MINUTE": 600, "API_SIGNED_PER_MINUTE": 120}
    with standing_clock(), mock.patch.multiple(settings, **usual):
        recorder = Recorder(fill())
        _reads(recorder)
        _formats(recorder)
        _own(recorder)
        _webhooks(recorder)
    return recorder.recorded, recorder.examples


def _reads(to: Recorder) -> None:
    winner, leader = to.api.made.miners[1], to.api.made.miners[0]
    commit = Submission.objects.filter(miner=winner).values_list("commit", flat=True)[0]
    round_ = f"{V1}/competitions/made/rounds/1"
    match = f"{round_}/matches/screen/leader/{winner.hotkey}"
    single = [f"{V1}/competitions/made{tail}" for tail in ("", "/leader?as_of_block=5000", "/statistics", "/ledger/1")]
    single += [f"{round_}{tail}" for tail in ("", "/ladder", "/statistics", "/judge-health", "/submissions/leader")]
    single += [f"{round_}/costs", f"{V1}/competitions/made/estimate"]
    single += [f"{V1}/", f"{V1}/competitions/made/rounds/2/progress", match, f"{match}/duels?limit=1"]
    single += [f"{match}/duels/prompt-000", f"{V1}/weights?as_of_block=5000"]
    single += [f"{V1}/miners/{winner.hotkey}/standing?round=1"]
    for path in [*single, *(f"{V1}/{table}?limit=1" for table in TABLES)]:
        tag = to.example(path).headers["ETag"]
        if not path.endswith("/progress"):
            to.send(path, name=f"GET {path} unchanged", headers={"If-None-Match": tag})
    for path in NARROWED:
        filled = path.format(winner=winner.hotkey, leader=leader.hotkey, commit=commit[:9])
        to.send(f"{V1}/{filled}")
    for name, following in [(f"{V1}/{t}", to.send(f"{V1}/{t}?limit=2").json()["next"]) for t in TABLES]:
        if following:
            to.send(following.removeprefix("http://testserver"), name=f"GET {name} second page")


def _formats(to: Recorder) -> None:
    for table in TABLES:
        to.send(f"{V1}/{table}?limit=2&format=csv")
        to.send(
            f"{V1}/{table}?limit=2", name=f"{table} as parquet", headers={"Accept": "application/vnd.apache.parquet"}
        )
    to.send(f"{V1}/reigns", name="reigns as HTML", headers={"Accept": "text/html"})
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
        to.send(f"{V1}/reigns", method=method)
    with mock.patch.object(settings, "API_REQUESTS_PER_MINUTE", 0), mock.patch("time.time", TIME.timestamp):
        to.send(f"{V1}/reigns", name="too many requests")
        to.send(f"{V1}/nothing", name="too many requests of nothing")


def _own(to: Recorder) -> None:
    for path in ("me/standing", "me/reveals", "me/appeals", "webhooks"):
        to.example(f"{V1}/{path}", signed=True)
        to.send(f"{V1}/{path}")
    token = tokens.make("examples", scopes=["diagnostics:read"], lasts=timedelta(days=1), now=TIME)
    staff = {"Authorization": f"Bearer {token}"}
    diagnosed = f"{V1}/me/diagnostics?competition=made&round=2"
    to.example(f"{diagnosed}&hotkey={to.api.entered.hotkey}", headers=staff)
    to.send(diagnosed, name="diagnostics of nobody", headers=staff)
    to.send(f"{V1}/me/standing", name="standing by token", headers=staff)
    to.send(f"{V1}/reigns", name="a token of nobody", headers={"Authorization": "Bearer x"})
    to.signed(f"{diagnosed}&hotkey={to.api.made.miners[1].hotkey}")
    with mock.patch.object(settings, "API_SIGNED_PER_MINUTE", 0):
        to.signed(f"{V1}/me/standing", name="too many of a hotkey")
    reveal = {"competition": "made", "repo": "owner/generator", "commit": "c" * 40, "cdn_url": "https://a.example/x"}
    for value in (reveal, {"competition": "made", "colour": "red"}, {"repo": 5}, {"competition": 5}, {}):
        to.signed(f"{V1}/me/reveals", method="POST", value=value)
    to.signed(f"{V1}/me/appeals", method="POST", value={"document": {}, "signature": "00" * 64})
    to.signed(f"{V1}/me/appeals", method="POST", value={"document": {"appellant": to.api.entered.hotkey}})
    to.signed(f"{V1}/me/reveals?colour=red", method="POST", value=reveal)


def _webhooks(to: Recorder) -> None:
    address = "https://hooks.example.org/gauntlet"
    for value in (
        {"address": "http://127.0.0.1/", "kinds": ["*"]},
        {"address": address, "kinds": []},
        {"address": address, "kinds": [5]},
        {"address": address, "kinds": ["NO KIND"]},
        {"address": address, "kinds": ["*"], "miner": "no"},
        {"address": address, "kinds": ["round.*"], "competition": "none"},
    ):
        to.signed(f"{V1}/webhooks", method="POST", value=value)
    made = to.signed(
        f"{V1}/webhooks", method="POST", value={"address": address, "kinds": ["round.*"], "competition": "made"}
    ).json()
    to.examples["webhooks_post"] = plain(made)
    one = f"{V1}/webhooks/{made['webhook']['id']}"
    to.signed(f"{V1}/webhooks", name="webhooks, one made")
    to.signed(one, name="webhook")
    to.signed(f"{one}/deliveries", name="webhook deliveries")
    to.signed(f"{one}/resume", method="POST", value={}, name="webhook resume")
    to.signed(f"{one}/deliveries/{made['webhook']['id']}/replay", method="POST", value={}, name="webhook replay")
    to.signed(one, method="DELETE", name="webhook deleted")
    to.signed(f"{V1}/webhooks/x", name="webhook of no id")


def _kept(result: Any) -> Recorded:
    headers = {name: plain(result.headers[name]) for name in HEADERS if name in result.headers}
    if "RateLimit" in headers:
        headers["RateLimit"] = re.sub(r";t=\d+", "", headers["RateLimit"])
    return {"status": result.status_code, "headers": headers, "tagged": "ETag" in result.headers, "body": _body(result)}


def _body(result: Any) -> Any:
    kind = result.headers.get("Content-Type", "")
    if not result.content:
        return None
    if kind.startswith("application/json"):
        return plain(json.loads(result.content))
    if kind == "application/vnd.apache.parquet":
        table = pq.read_table(io.BytesIO(result.content))
        return {"types": [f"{field.name}: {field.type}" for field in table.schema], "rows": plain(table.to_pylist())}
    return plain(result.content.decode())


UNLIKE = {  # what is another in every recording, by what stands for it
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "6e1f3c52-0d0a-4d5c-9f57-000000000000",
    r"whsec_[A-Za-z0-9+/=]+": "whsec_" + "A" * 32,
    r"cursor=YWZ0ZXI6[A-Za-z0-9_-]+": "cursor=YWZ0ZXI6MQ",
}


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    for pattern, constant in UNLIKE.items():
        value = re.sub(pattern, constant, value) if isinstance(value, str) else value
    return value


def short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: short(each) for name, each in value.items()}
    return [short(each) for each in value[:LONGEST]] if isinstance(value, list) else value
