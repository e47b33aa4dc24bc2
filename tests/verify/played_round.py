"""Rounds played by the platform's own engine, steps and publisher, in one process, with stand-ins for what leaves it.

The renderer draws nothing, pods and hosts deliver what the plan says, the judge knows each file's quality from its
bytes, the source audit finds what the plan says.  The plan is drawn from one seed, what comes first from another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bittensor_core import Keypair
from django.db import transaction

from audits.decisions.lifecycle import PodProgress
from audits.decisions.rentals import PodRental, timed_run
from audits.decisions.speed import OutputTime
from audits.models import Audit, SourceCopy
from audits.pods import runs
from audits.source import source_audits
from audits.source.findings import SourceFinding
from audits.source.scanning import Scanned
from competition import chain, prompts, rounds
from competition.chain.simulated import Simulated
from competition.decisions import schedule
from competition.models import Asset, Competition, Miner, Round, SimulatedChain
from competition.publication.bundle_folders import folder_of
from core import store
from core.machine import engine
from core.machine.outcomes import Move, Outcome, StepFailure, Wait
from core.sandbox.outcomes import Refused, RendererFault
from formats.integrity.measures import MESH_MEASURES, SPLAT_MEASURES, Integrity, MeshIntegrity, SplatIntegrity
from judging import measurements
from judging.backends.base import Answer, NoAnswer, Question
from judging.models import Measurement
from judging.renderers.base import Rendered
from judging.renderers.rig import Rig

START = datetime(2026, 1, 1, tzinfo=UTC)
BLOCKS = {"round_blocks": 1000, "open_blocks": 10, "seed_delay_blocks": 2, "generation_blocks": 20, "lead_blocks": 1}
RIG = {"views": [{"name": "front_left", "theta": 30, "phi": 0}], "gray": [], "pixels": 64, "grid_pixels": 64}
MOST_LOOKS = 5000


@dataclass
class Stage:
    """One competition and all that its miners, hosts, pods, judge and auditors will do."""

    seed: int
    order: Random
    competition: Competition
    at: datetime = START
    honest: bool = False  # code gives again what was submitted, in time, and its licence is in order
    disturbed: Callable[[Question], bool] = field(default=lambda question: False)  # then the judge says the contrary
    leader_fails: Callable[[str], str] = field(default=lambda stem: "")  # by prompt: "", missing or unreadable
    pace: Callable[[Any], tuple[float, str] | None] = field(default=lambda run: None)  # seconds an output, the card
    doubt: int = 1  # so many times smaller are the judge's leans, so that more duels are drawn
    busy: int = 0  # looks since the last reconcile

    def plan(self, *about: object) -> Random:
        """What is drawn about one thing does not depend on when it is asked."""
        return Random(" ".join(map(str, (self.seed, *about))))

    def named(self, name: str) -> Keypair:
        return Keypair.create_from_uri(f"//played/{name}")

    def reveal_some(self, number: int) -> None:
        """Between nobody and ten reveal; some copy, some mumble, some tell their fields in two messages."""
        random = self.plan("reveals", number)
        round_ = self.competition.rounds.get(number=number)
        simulated, commits = Simulated(self.competition.slug), ["a" * 40]
        for n in range(random.choice([0, 1, 6, 8, 10])):
            name = f"miner {random.randint(1, 12)}"
            commit = random.choice([hashlib.sha1(f"{name} {number}".encode()).hexdigest(), commits[-1]])
            commits.append(commit)
            told = {"repo": f"played/{n}", "commit": commit, "cdn_url": f"https://m{n}.example.org/"}
            payload = random.choice([json.dumps(told)] * 5 + ["5", json.dumps({**told, "cdn_url": "nowhere"})])
            block = round_.earliest_reveal_block + random.randint(0, 9)
            simulated.reveal(self.named(name), payload.encode(), block=block)

    def reveal(self, number: int, commits: Sequence[str]) -> None:
        """One miner for each commit, in this order."""
        round_ = self.competition.rounds.get(number=number)
        for n, commit in enumerate(commits):
            payload = json.dumps({"repo": f"played/{n}", "commit": commit, "cdn_url": f"https://m{n}.example.org/"})
            key = self.named(f"miner {n + 1}")
            Simulated(self.competition.slug).reveal(key, payload.encode(), block=round_.earliest_reveal_block + n)

    def enlarge(self, number: int) -> None:
        """The operator adds a few prompts before the round's window is over."""
        pictures = {f"n{number} {n}": f"picture {number} {n}".encode() for n in range(4)}
        block = chain.of(self.competition).block(now=self.at)
        with transaction.atomic():
            prompts.add_before_the_draw(self.competition, pictures, block=block, now=self.at)

    def play(self, number: int) -> Path:
        """The bundle of the round, once it is published."""
        for _ in range(MOST_LOOKS):
            round_ = self.turn(number)
            if round_.state == "paused":
                raise AssertionError(f"paused: {round_.failure_reason}")
            if (folder_of(round_) / "manifest.json").exists():
                return folder_of(round_)
        raise AssertionError(f"{round_} is not over: {round_.state}, {round_.waiting_for}")

    def turn(self, number: int) -> Round:
        """Five seconds of the platform's work; the round as it is then."""
        self.work(seconds=5)
        round_ = Round.objects.get(competition=self.competition, number=number)
        if round_.state == "open":
            Simulated(self.competition.slug).skip_to(round_.seed_block + 1, now=self.at)
        return round_

    def work(self, *, seconds: int) -> None:
        """Time goes on.  While workers have their hands full, the reconciler comes every fourth time only."""
        self.at += timedelta(seconds=seconds)
        if not self.busy:
            engine.reconcile(now=self.at)
        self.busy = (self.busy + 1) % 4 if self.look() else 0

    def play_until(self, number: int, state: str) -> Round:
        """The round, once it is in that state."""
        for _ in range(MOST_LOOKS):
            round_ = self.turn(number)
            if round_.state == state:
                return round_
            assert round_.state != "paused", round_.failure_reason
        raise AssertionError(f"{round_} never is {state}: {round_.state}, {round_.waiting_for}")

    def measure_all(self) -> None:
        """Every drawn file of rounds that have begun, as workers would."""
        measurements.want_measurements(self.at)
        while waiting := list(Measurement.objects.filter(state="measuring").values_list("pk", flat=True)):
            Measurement.objects.filter(pk__in=waiting).update(due_at=self.at)
            for pk in waiting:
                engine.advance("judging.Measurement", pk, now=self.at)

    def look(self) -> bool:
        """Workers take up what is due, in any order, and some of it later.  Was there anything?"""
        due = [
            (model._meta.label, pk)
            for model in engine.stateful_models()
            for pk in model.objects.filter(engine.due(model, now=self.at)).order_by("pk").values_list("pk", flat=True)
        ]
        self.order.shuffle(due)
        for label, pk in due:
            if self.order.random() < 0.8:
                engine.advance(label, pk, now=self.at)
        return bool(due)


POOLS = {"margin-1": 9, "margin-2": 5, "title-1": 36}
TITLE = {"prompts": 8, "batch": 3, "stakes": ["1/2"], "bar": 3, "out": "1/10", "finalists": 2}


def stage(
    *,
    seed: int,
    patch: pytest.MonkeyPatch,
    folder: Path,
    order: int = 0,
    ruleset: str = "margin-1",
    picture: Callable[[int], bytes] = lambda n: f"picture {n}".encode(),
    bar: int = 3,
    file_format: str = "glb",
    speed: Mapping[str, Any] | None = None,
    integrity: Mapping[str, Any] | None = None,
) -> Stage:
    """A competition whose first round is announced, and every stand-in in its place.

    `speed`: the rule for what the time of code decides; None where it is the one that always held.
    `integrity`: the rule for what measurements decide; None where they decide nothing.
    """
    random = Random(seed)
    SimulatedChain.objects.create(name="played", genesis_at=START, block_seconds=1.0)
    simulated = SimulatedChain.objects.get(name="played")
    rules: dict[str, Any]
    rules = {"win_margin": random.choice(["1/20", "1/4"]), "least_counted": random.choice([1, 2])}
    rules |= {"title": {**TITLE, "bar": bar}} if ruleset == "title-1" else {}
    rules |= {"speed": dict(speed), "stop_early": False} if speed else {}
    rules |= {"integrity": dict(integrity)} if integrity else {}
    made = Competition.objects.create(
        slug="played",
        name="Played",
        ruleset=ruleset,
        judge="perceptual-v1",
        renderer="raycast",
        chain="simulated:played",
        pods="local",
        created_at=START,
        config={"prompts_per_round": 5, "blocks": BLOCKS, "format": file_format, "rules": rules, "rig": RIG},
    )
    played = Stage(seed, Random(order), made)
    for uid, name in enumerate(["owner", "base", *(f"miner {n}" for n in range(1, 12))]):  # the last is not registered
        simulated.registrations.create(uid=uid, hotkey=played.named(name).ss58_address)
    with transaction.atomic():
        prompts.add(made, {f"p{n}": picture(n) for n in range(POOLS[ruleset])}, now=START)
        base = Miner.objects.create(hotkey=played.named("base").ss58_address)
        commit = "0" * 40 if ruleset == "margin-1" else by_worth(seed, pool=POOLS[ruleset])[0]
        first = {"miner": base, "repo": "played/base", "commit": commit, "weight": "1", "effective_block": 0}
        rounds.enthrone_first(made, reign=first, now=START)
        rounds.begin(made, blocks=schedule.first(rounds.cadence(made), earliest_reveal_block=5), now=START)
    _stand_ins(played, patch=patch, folder=folder)
    return played


def by_worth(seed: int, *, pool: int) -> list[str]:
    """Commits, those first whose outputs the judge likes least: a weak leader is one somebody plays against."""

    def worth(commit: str) -> int:
        files = [hashlib.sha256(f"glTF {commit} p{n}".encode()).hexdigest() for n in range(pool)]
        return sum(Judge.worth(kind, file) for kind in ("front", "around") for file in files)

    commits = [hashlib.sha1(f"leader {seed} {n}".encode()).hexdigest() for n in range(40)]
    return sorted(commits, key=worth)


def ahead(one: str, other: str, *, pool: int) -> int:
    """On how many more prompts of the pool than not the judge likes the one commit's output better from the front."""

    def worth(commit: str, n: int) -> int:
        return Judge.worth("front", hashlib.sha256(f"glTF {commit} p{n}".encode()).hexdigest())

    return sum(1 if worth(one, n) > worth(other, n) + 5000 else -1 for n in range(pool))


def _stand_ins(played: Stage, *, patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setattr("django.conf.settings.BUNDLE_DIR", folder / "bundles")
    patch.setattr("django.utils.timezone.now", lambda: played.at)
    patch.setattr("core.clock.now", lambda: played.at)
    patch.setattr("core.machine.registry.CONNECTED.send", lambda *words, **named: None)
    patch.setattr("core.machine.engine.kick_due", lambda model, **_: 0)  # `look` finds by itself what is due
    patch.setattr("core.machine.engine.heal", lambda model, **_: 0)  # no clock is wrong
    patch.setattr("formats.integrity.measurement.measure", Measured(played))  # there is no mesh in these files
    patch.setattr("judging.measurements.defect_files", lambda file, numbers, *, file_format: {})
    patch.setattr(
        "judging.steps.judge_named", lambda name: Judge(played.order.random(), played.disturbed, played.doubt)
    )
    for place in ("judging.steps", "judging.sides"):
        patch.setattr(f"{place}.renderer_named", lambda name: Renderer())
    patch.setattr("audits.source.source_audits.run_checks", lambda audit, *, now: _examine(played, audit))
    patch.setattr("audits.pods.runs.sweep", list)
    steps = {("competition.Asset", "downloading"): _download, ("audits.PodRun", "warming"): _generate}
    for key, step in steps.items():
        patch.setitem(engine.STEPS, key, lambda row, now, step=step: step(played, row, now))


class Renderer:
    name, version = "nobody", "drawn-by-nobody-1"

    def render(self, data: Path, *, rig: Rig, out: Path, file_format: str = "glb") -> Rendered:
        if b"unreadable" in data.read_bytes():
            raise Refused("bad_header", "It is no GLB.")
        views = {}
        for name in rig.pictures():
            views[name] = out / f"{name}.png"
            views[name].write_bytes(b"PNG " + name.encode() + data.read_bytes())
        return Rendered(views, triangles=1, bytes=1, bounds=((0, 0, 0), (1, 1, 1)))


class Measured:
    """Counts in each file what its bytes say; some files break the measurement, and now and then it fails by itself."""

    def __init__(self, played: Stage) -> None:
        self.played = played
        self.failed: set[Path] = set()  # once is enough: what always fails is another bundle

    def __call__(self, data: Path, *, file_format: str) -> Integrity:
        random = Random(data.read_bytes())
        if random.random() < 0.1:
            raise Refused("CANNOT_RENDER", "It broke the measurement.")
        if self.played.order.random() < 0.1 and data not in self.failed:
            self.failed.add(data)
            raise RendererFault("KILLED", "the work was killed")
        clean: dict[str, Any]
        if file_format == "ply":
            clean = {measure.name: 0 for measure in SPLAT_MEASURES} | {"bytes": data.stat().st_size}
            return SplatIntegrity(**clean | {"splats": 1000, "needles": random.randrange(200), "opacity": 0.5})
        clean = {measure.name: 0 for measure in MESH_MEASURES} | {"bytes": data.stat().st_size}
        counted = {"triangles": 1000, "open_edges": random.randrange(200), "inverted_faces": random.randrange(200)}
        return MeshIntegrity(**clean | counted)


class Judge:
    """Likes the file whose hash is greater, each question in its own way; now and then it does not answer."""

    name, version = "plan", "c0" * 32

    def __init__(
        self, luck: float, disturbed: Callable[[Question], bool] = lambda question: False, doubt: int = 1
    ) -> None:
        self.luck, self.disturbed, self.doubt = luck, disturbed, doubt

    @staticmethod
    def worth(kind: str, sha256: str) -> int:
        return int(hashlib.sha256(f"{kind}{sha256}".encode()).hexdigest()[:4], 16)

    def ask(self, question: Question) -> Answer:
        if self.luck < 0.05:
            raise NoAnswer("tired", "This judge is tired.")
        worth = [self.worth(question.kind, side.sha256) for side in (question.first, question.second)]
        lean = (worth[1] - worth[0]) / (50_000 * self.doubt) * (-1 if self.disturbed(question) else 1)
        return Answer(max(-1.0, min(1.0, lean)))


def _download(played: Stage, asset: Asset, now: datetime) -> Outcome:
    entry = asset.submission
    luck = 1 if played.honest else played.plan("download", entry.round.number, entry.key, asset.prompt.stem).random()
    if luck < 0.1:
        return Move("failed", because="It is not there.", failure=StepFailure("miner", "not_found", "It is not there."))
    readable = "" if luck > 0.15 else " unreadable"
    return _stored(f"glTF {entry.commit} {asset.prompt.stem}{readable}")


def _stored(told: str) -> Move:
    sha256 = store.default().put(told.encode())
    facts = {"sha256": sha256, "bytes": len(told)}
    return Move("stored", because="as planned", sets=facts, facts=facts)


def _generate(played: Stage, run: Any, now: datetime) -> Outcome:
    """The leader's code gives everything but what it fails; audited code what it gave before, or something else."""
    random = played.plan("generate", run.submission.round.number, run.submission.key, run.purpose)
    dishonest, late = random.random() < 0.3, random.random() < 0.1 and run.purpose.startswith("audit")
    dishonest, late = dishonest and not played.honest, late and not played.honest
    for asset in (asset for asset in runs.wanted(run) if not asset.settled):
        told = f"glTF {run.submission.commit} {asset.prompt.stem}{' again' if dishonest else ''}"
        fails = played.leader_fails(asset.prompt.stem) if run.submission.role == "leader" else ""
        if fails == "missing":
            runs._fail(asset, "miner", "NOT_GENERATED", "no silhouette was found", now=now)
        else:
            engine.move(asset, _stored(f"{told} {fails}".strip()), now=now)
    if runs.idle(run):
        return Wait(timedelta(seconds=1), "for the next batch")
    seconds = 9000 if late else 3
    sets: dict[str, Any] = {"generated_s": seconds}
    facts: dict[str, Any] = {"generated_s": seconds, "pods": 1}
    if (pace := played.pace(run)) is not None:
        pods, progress = [PodRental(card=pace[1], usd_per_hour=None, since=now)], _paced(pace[0], run)
        sets |= {"rentals": [row.to_json() for row in pods], "progress": progress.to_json()}
        facts["timed"] = asdict(timed_run(pods, progress) or progress)
    return Move("done", because="as planned", sets=sets, facts=facts)


def _paced(mean_s: float, run: Any) -> PodProgress:
    outputs = len(runs.wanted(run))
    return PodProgress(pods=1, generation_s=mean_s * outputs, output_s=(OutputTime(mean_s, 0),) * outputs)


def _examine(played: Stage, audit: Audit) -> bool:
    """All checks of the code in one look; what they find is what the plan says."""
    weight = severity(played, audit.submission.commit)
    found = SourceFinding(
        severity=weight,
        rule="licence",
        sentence="What the licence says.",
        file="LICENSE",
        line=1,
        check="licence",
        tool="plan",
        tool_version="1",
    )
    SourceCopy.objects.get_or_create(
        repo=audit.submission.repo,
        commit=audit.submission.commit,
        defaults={
            "origin": "plan",
            "archive": hashlib.sha256(audit.submission.commit.encode()).hexdigest(),
            "files": 1,
            "size": 1,
            "fetched_at": played.at,
        },
    )
    scanned = Scanned(check="licence", tool="plan", version="1", ruleset="", outcome="done", why="", findings=(found,))
    if not audit.checks.exists():
        source_audits.write(audit, scanned)
    return True


def severity(played: Stage, commit: str) -> str:
    return "blocking" if played.plan("source", commit).random() < 0.2 and not played.honest else "notice"
