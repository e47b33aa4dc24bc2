"""A competition as pages meet it: round 1 is finished, round 2 is in its duels; real pictures are in the store."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from PIL import Image, ImageDraw

from audits.decisions.rentals import PodRental
from audits.models import Audit, Finding, PodRun
from competition.models import (
    Asset,
    Competition,
    Miner,
    Prompt,
    Reign,
    Reveal,
    Round,
    RoundPrompt,
    SimulatedChain,
    Submission,
)
from competition.rulesets.tally import DuelResult, Tally
from core import store
from dashboard.models import Publication
from formats.integrity.measures import MESH_MEASURES, VERSION
from judging.models import Duel, Match, Measurement, Rendering
from judging.renderers.rig import EMBEDDED

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
ISOLATION = ["own network namespace", "no secrets in the environment"]
RULES = {"name": "margin-1", "win_margin": "1/20", "stop_early": True}
COLOURS = ((196, 86, 60), (64, 120, 190), (110, 150, 70), (150, 100, 170), (210, 170, 60), (90, 160, 160))
SOUND = {measure.name: 0 for measure in MESH_MEASURES}
W, D, L, F, V = "won", "drawn", "lost", "forfeit_challenger", "void"


def hotkey(number: int, *, of: str = "made") -> str:
    """A name of the right shape; nobody holds its key."""
    digest = hashlib.sha512(f"{of} {number}".encode()).digest()
    return "5" + "".join(BASE58[byte % 58] for byte in digest[:47])


@cache
def picture(*, colour: tuple[int, int, int], shape: int, size: int = 96, ground: str = "#ffffff", turn: int = 0) -> str:
    """A small PNG that differs with every argument, put into the store; its hash."""
    image = Image.new("RGB", (size, size), ground)
    draw = ImageDraw.Draw(image)
    inset = 14 + 4 * (shape % 5)
    box = (inset, inset + turn, size - inset, size - inset)
    (draw.ellipse, draw.rectangle, draw.rounded_rectangle)[shape % 3](box, fill=colour, outline=(40, 40, 40), width=2)
    draw.line((size // 2, inset, size // 2 + 3 * turn, size - inset), fill=(40, 40, 40), width=1 + shape % 3)
    kept = io.BytesIO()
    image.save(kept, "PNG")
    return store.default().put(kept.getvalue())


@cache
def solid(name: str) -> str:
    """A stored 3D file that nobody opens; its hash."""
    return store.default().put(b"glTF" + name.encode())


def views(tone: int, place: int) -> dict[str, str]:
    names = ("front_left", "right", "back", "gray_front_left")
    return {
        name: picture(
            colour=COLOURS[tone % 6], shape=place, turn=turn, ground="#808080" if name.startswith("gray") else "#ffffff"
        )
        for turn, name in enumerate(names)
    }


def measure(files: Iterable[Asset]) -> None:
    """How sound these are: by their place so many open edges and triangles, every second one without a texture."""
    rows = [
        Measurement(
            competition=asset.submission.round.competition,
            sha256=asset.sha256,
            version=VERSION,
            state="measured",
            since=NOW,
            numbers={
                **SOUND,
                "open_edges": 3 * (place % 4),
                "triangles": 100 + place,
                "uv_overlap": (None, 0.25)[place % 2],
            },
        )
        for place, asset in enumerate(files)
    ]
    Measurement.objects.bulk_create(rows, ignore_conflicts=True)  # once per content


@dataclass
class Made:
    competition: Competition
    finished: Round
    running: Round
    miners: list[Miner]
    matches: dict[str, Match] = field(default_factory=dict)


class Maker:
    """Fills the database through the models, as a round would have, without playing it."""

    def __init__(self, *, slug: str, miners: int, prompts: int, hostile: str) -> None:
        self.hostile = hostile
        self.files: dict[tuple[int, int, str], str] = {}
        chain = SimulatedChain.objects.create(name=slug, genesis_at=NOW - timedelta(days=1))
        config = {
            "rig": EMBEDDED.to_json(),
            "prompts_per_round": prompts,
            "format": "glb",
            "rules": {"win_margin": "1/20"},
        }
        self.competition = Competition.objects.create(
            slug=slug,
            name="Made competition",
            description="Small generators, small prompts.",
            ruleset="margin-1",
            judge="perceptual-v1",
            renderer="raycast",
            chain=f"simulated:{chain.name}",
            pods="local",
            config=config,
            created_at=NOW,
        )
        names = ["Lathe", "Pillow", "Spinner", "Billboard", "Chooser", "Copycat", "Silent", "Mumbler"]
        self.miners = Miner.objects.bulk_create(
            Miner(hotkey=hotkey(n, of=slug), label=f"{names[n % len(names)]}{n // len(names) or ''}")
            for n in range(miners + 1)
        )
        self.prompts = Prompt.objects.bulk_create(self.prompt(n) for n in range(prompts))
        self.first = Reign.objects.create(
            competition=self.competition,
            sequence=1,
            miner=self.miners[0],
            repo="demo/pillow",
            commit="a" * 40,
            weight="1",
            effective_block=0,
        )

    def prompt(self, number: int) -> Prompt:
        sha256 = picture(colour=COLOURS[number % 6], shape=number, turn=number // 6, ground="#f2ede4")
        return Prompt(competition=self.competition, stem=f"prompt-{number:03}", sha256=sha256, bytes=900)

    def round(self, number: int, *, state: str, defending: Reign, **more: Any) -> Round:
        start = 1000 * number
        row = Round.objects.create(
            competition=self.competition,
            number=number,
            ruleset="margin-1",
            rules=RULES,
            defending=defending,
            earliest_reveal_block=start,
            latest_reveal_block=start + 99,
            seed_block=start + 102,
            generation_deadline_block=start + 400,
            state=state,
            since=NOW,
            seed="5eed" * 16,
            seed_block_hash="b10c" * 16,
            **more,
        )
        RoundPrompt.objects.bulk_create(
            RoundPrompt(round=row, prompt=prompt, position=place) for place, prompt in enumerate(self.prompts)
        )
        return row

    def submission(self, round_: Round, miner: Miner, *, role: str = "challenger", **more: Any) -> Submission:
        block = round_.earliest_reveal_block + self.miners.index(miner) % 90
        place = {} if role == "leader" else {"reveal_block": block}
        told = {"repo": f"demo/{miner.label.lower()}", "commit": hashlib.sha1(miner.hotkey.encode()).hexdigest()}
        hosted = {"cdn_url": "https://files.example.org/x"} if role != "leader" else {}
        return Submission.objects.create(
            round=round_, miner=miner, role=role, extrinsic_index=0, **{**told, **hosted, **place, **more}
        )

    def assets(self, submission: Submission, *, origin: str) -> None:
        """A stored file for every prompt, and its rendering."""
        side = f"{submission.round.number} {submission.miner.label} {origin}"
        shas = {prompt.pk: solid(f"{side} {prompt.stem}") for prompt in self.prompts}
        self.files |= {(submission.pk, pk, origin): sha256 for pk, sha256 in shas.items()}
        Asset.objects.bulk_create(
            Asset(
                submission=submission,
                prompt=prompt,
                origin=origin,
                state="stored",
                since=NOW,
                sha256=shas[prompt.pk],
                bytes=123_456 + place,
                content_type="model/gltf-binary",
            )
            for place, prompt in enumerate(self.prompts)
        )
        tone, rig = zlib.crc32(side.encode()), EMBEDDED.digest()
        Rendering.objects.bulk_create(
            Rendering(
                competition=self.competition,
                sha256=sha256,
                rig=rig,
                renderer="raycast/1",
                views=views(tone, place),
                triangles=1200,
                isolation=ISOLATION,
                state="rendered",
                since=NOW,
            )
            for place, sha256 in enumerate(shas.values())
        )

    def match(
        self,
        round_: Round,
        defender: Submission,
        challenger: Submission,
        *,
        kind: str,
        results: Sequence[str],
        state: str = "decided",
        stopped: str = "",
        stopped_after: int | None = None,
    ) -> Match:
        """`results` in seed order; a missing tail is not judged yet, or not needed once the match is decided."""
        counted = results[: stopped_after if stopped_after is not None else len(results)]
        tally = Tally.of(DuelResult(result) for result in counted)
        leads = defender.role == "leader"
        numbers = {name: getattr(tally, name) for name in Tally.__slots__} if state == "decided" else {}
        row = Match.objects.create(
            round=round_,
            kind=kind,
            defender=defender,
            challenger=challenger,
            state=state,
            since=NOW,
            defender_origin="generated" if leads else "submitted",
            challenger_origin="generated" if kind == "audit" else "submitted",
            judge="j" * 64,
            judge_name="perceptual-v1",
            margin_micro=tally.margin_micro() if state == "decided" else None,
            stopped=stopped,
            stopped_after=(stopped_after or len(results)) if state == "decided" else None,
            **numbers,
            duels_made=len(self.prompts) if state == "decided" else 0,
        )
        Duel.objects.bulk_create(
            self.duel(row, prompt, place, results[place] if place < len(results) else None)
            for place, prompt in enumerate(self.prompts)
        )
        return row

    def duel(self, match: Match, prompt: Prompt, place: int, result: str | None) -> Duel:
        left = self.files.get((match.defender_id, prompt.pk, match.defender_origin), "")
        right = self.files.get((match.challenger_id, prompt.pk, match.challenger_origin), "")
        state, outcome = {
            None: ("unneeded" if match.state == "decided" else "judging", ""),
            W: ("judged", "challenger"),
            L: ("judged", "defender"),
            D: ("judged", "draw"),
            F: ("forfeited", "defender"),
            V: ("void", ""),
        }[result]
        judged = state == "judged"
        score = {W: 310_000, L: -420_000, D: 12_000}.get(result or "", 0) + place * 1000
        stages = [{"kind": "front", "ab": 300_000, "ba": -320_000, "score": 310_000, "consistent": True}]
        silence = {"failure_class": "judge", "failure_code": "low_mass", "failure_reason": "No answer."}
        return Duel(
            match=match,
            prompt=prompt,
            position=place,
            state=state,
            since=NOW,
            outcome=outcome,
            left_sha256=left if result else "",
            right_sha256=right if result and result != F else "",
            score_micro=score if judged else None,
            detail={"decided_by": "front", "stages": stages} if judged else {},
            **(silence if state == "void" else {}),
        )


def make(*, slug: str = "made", miners: int = 5, prompts: int = 12, hostile: str = "") -> Made:
    maker = Maker(slug=slug, miners=miners, prompts=prompts, hostile=hostile)
    finished = _finished(maker)
    running = _running(maker)
    matches = Match.objects.select_related("challenger__miner")
    return Made(maker.competition, finished, running, maker.miners, {m.challenger.key + m.kind: m for m in matches})


def _finished(maker: Maker) -> Round:
    """The second miner wins and is audited; the third loses; the others copy it, deliver nothing, or mumble."""
    round_ = maker.round(1, state="finished", defending=maker.first)
    leader = maker.submission(round_, maker.miners[0], role="leader")
    winner, loser, *rest = [maker.submission(round_, miner) for miner in maker.miners[1:-1]]
    objection = f"repo must be owner/name, as on GitHub, not “{maker.hostile}”." if maker.hostile else "No commit."
    mumbler = maker.submission(
        round_, maker.miners[-1], objection=objection, repo=maker.hostile[:200], commit="", cdn_url=maker.hostile
    )
    _garbled(maker, mumbler)
    for entry in (leader, winner):
        maker.assets(entry, origin="generated")
    for entry in (winner, loser):
        maker.assets(entry, origin="submitted")
    size = len(maker.prompts)
    maker.match(round_, leader, winner, kind="screen", results=([W, D, W, L, V, D] * size)[:size])
    maker.match(
        round_,
        leader,
        loser,
        kind="screen",
        results=([L, D, L, L] * size)[:size],
        stopped="below",
        stopped_after=size // 2,
    )
    for number, entry in enumerate(rest):
        if number == 0:
            entry.copy_of, entry.commit = loser, loser.commit
            entry.save()
        _nothing_delivered(maker, round_, leader, entry)
    _audited(maker, round_, winner)
    Reign.objects.create(
        competition=maker.competition,
        sequence=2,
        miner=winner.miner,
        repo=winner.repo,
        commit=winner.commit,
        weight="1",
        effective_block=2099,
        won_in=round_,
    )
    round_.headline = f"{winner.miner.hotkey} takes the lead from {leader.miner.hotkey}. It won by the rule."
    round_.decision = {"winner": winner.miner.hotkey, "weight": "1"}
    round_.save()
    Publication.objects.create(round=round_, state="published", since=NOW, bundle_hash="f" * 64, files=99, bytes=12_345)
    return round_


def _garbled(maker: Maker, mumbler: Submission) -> None:
    payload = (maker.hostile or "{'repo': 5").encode() + b"\xff\x00" + b"x" * 400
    Reveal.objects.create(
        competition=maker.competition,
        miner=mumbler.miner,
        block=1005,
        extrinsic_index=3,
        payload=payload,
        objection="The message is not UTF-8 text.",
        seen_at=NOW,
    )


def _nothing_delivered(maker: Maker, round_: Round, leader: Submission, entry: Submission) -> None:
    reason = f"The file answered 404 Not Found. {maker.hostile}"
    Asset.objects.bulk_create(
        Asset(
            submission=entry,
            prompt=prompt,
            origin="submitted",
            state="failed",
            since=NOW,
            failure_class="miner",
            failure_code="NOT_FOUND",
            failure_reason=reason,
        )
        for prompt in maker.prompts
    )
    maker.match(round_, leader, entry, kind="screen", results=[F] * len(maker.prompts))


def _audited(maker: Maker, round_: Round, winner: Submission) -> None:
    source = Audit.objects.create(
        round=round_,
        submission=winner,
        kind="source",
        state="passed",
        since=NOW,
        code="nothing_blocking",
        reason="No finding is blocking (1 to note).",
        numbers={"blocking": 0, "notice": 1},
        limits={"blocking": 0},
    )
    Finding.objects.create(
        audit=source,
        severity="notice",
        rule="licence",
        file="LICENSE",
        line=1,
        excerpt=maker.hostile or "MIT",
        sentence="The licence is MIT.",
    )
    Audit.objects.create(
        round=round_,
        submission=winner,
        kind="generation",
        state="passed",
        since=NOW,
        code="not_worse",
        reason="The platform's own run is not worse than what was submitted.",
        numbers={"won": 1, "margin": "0", "counted": 12, "generation_s": 700},
        limits={"least_margin": "-1/20", "least_counted": 1, "generation_s": 600},
    )
    maker.match(round_, winner, winner, kind="audit", results=([D, D, L, W] * len(maker.prompts))[: len(maker.prompts)])
    PodRun.objects.create(
        submission=winner,
        purpose="audit",
        seed=7,
        provider="local",
        isolation=ISOLATION,
        generated_s=42,
        mean_output_s=3.5,
        progress={
            "pods": 1,
            "generation_s": 42,
            "warmed_s": [310.5],
            "output_s": [[1.75, 5.0]] * 10 + [[12.25, 10.0]] * 2,
        },
        rentals=[_rental("H200 at verda", usd_per_hour=3.1, minutes=12)],
        usd=0.62,
        state="done",
        since=NOW,
        log=f"ready\n{maker.hostile}\n",
    )


def _rental(card: str, *, usd_per_hour: float | None, minutes: int) -> dict[str, object]:
    return PodRental(card=card, usd_per_hour=usd_per_hour, since=NOW, until=NOW + timedelta(minutes=minutes)).to_json()


def _running(maker: Maker) -> Round:
    """In its duels: one match decided, one being judged, one waiting."""
    reign = Reign.objects.get(competition=maker.competition, sequence=2)
    round_ = maker.round(2, state="duels", defending=reign, waiting_for="1 of 3 screen matches are open")
    leader = maker.submission(round_, reign.miner, role="leader")
    entries = [maker.submission(round_, miner) for miner in maker.miners[2:-1]]
    maker.assets(leader, origin="generated")
    maker.assets(entries[0], origin="submitted")
    half = len(maker.prompts) // 2
    maker.match(round_, leader, entries[0], kind="screen", results=([W, L, D] * half)[:half], state="judging")
    for entry in entries[1:]:
        Match.objects.create(
            round=round_,
            kind="screen",
            defender=leader,
            challenger=entry,
            defender_origin="generated",
            challenger_origin="submitted",
            state="waiting",
            since=NOW,
        )
    return round_
