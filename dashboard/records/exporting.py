"""How does a competition become a state repository?

One that was imported is written as it was read, to the byte: history is not edited.  One that is played here is written
from the documents of its rounds' bundles; of Three.js modules in the layout that the subnet wrote them in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import reverse

from audits.reviews import corrections
from competition import rulesets
from competition.models import Competition, Round
from competition.records import june_2026, writing
from competition.records.tree import write_tree
from competition.records.writing import Addresses, RecordLayout
from dashboard.bundles import documents
from dashboard.records import evidence
from formats import registry
from verify.records.matches import SHEET
from verify.records.submissions import BLOCKS_A_MINUTE

Files = Mapping[str, bytes]


def write_out(competition: Competition, folder: Path) -> None:
    """The files an import has read; for the verifier, which examines them."""
    for files in pieces(competition):
        write_tree(folder, files)


def pieces(competition: Competition) -> Iterator[Files]:
    """The files of the repository round by round, those beside the rounds last: they name what must be there."""
    imported = "records" in competition.config
    for round_ in competition.rounds.order_by("number"):
        yield evidence.contents(competition, number=round_.number) if imported else own_round(round_)
    yield evidence.contents(competition) if imported else own_top(competition)


def own_round(round_: Round) -> Files:
    at = f"rounds/{round_.number}"
    under = {f"{at}/rules.json": writing.rules(rulesets.read(round_.rules).to_json())}
    if round_.state != "finished":
        return under | {f"{at}/schedule.json": writing.encoded(writing.schedule(vars(round_)))}
    contents = documents.documents(round_, edition=corrections.edition(round_))
    slug = round_.competition.slug
    reign = round_.reigns_begun.order_by("-sequence")[0]  # of a corrected round the one that counts
    solution = {"repo": reign.repo, "commit": reign.commit, "docker_image": reign.image}
    files = writing.round_files(contents, reign=solution, name=slug, layout=layout(round_.competition))
    return under | {f"{at}/{path}": content for path, content in files.items()}


def layout(competition: Competition) -> RecordLayout:
    where = addresses(competition)
    kind = june_2026.JuneLayout if where.extension == june_2026.KEY else RecordLayout
    return kind(addresses=where)


def addresses(competition: Competition) -> Addresses:
    def file(sha256: str, extension: str) -> str:
        return settings.ORIGIN + reverse("blob", args=[sha256, extension])

    def prompt(stem: str) -> str:
        return settings.ORIGIN + reverse("prompt-picture", args=[competition.slug, stem])

    def views(sha256: str) -> str:
        sheet = reverse("view-picture", args=[competition.slug, sha256, SHEET])
        return settings.ORIGIN + sheet.removesuffix(f"/{SHEET}")

    extension = registry.of(competition.config).extension
    return Addresses(file=file, prompt=prompt, views=views, extension=extension)


def own_top(competition: Competition) -> Files:
    round_ = competition.current_round()
    state = {"current_round": round_.number, "stage": round_.state} if round_ else {"current_round": 0, "stage": "open"}
    names = ("repo", "commit", "image", "weight", "effective_block")
    rows = competition.reigns.select_related("miner").order_by("sequence")
    reigns = [{"hotkey": row.miner.hotkey, **{name: getattr(row, name) for name in names}} for row in rows]
    return {
        "config.json": writing.encoded(config(competition)),
        "state.json": writing.encoded(state),
        "leader.json": writing.leaders(reigns),
    }


def config(competition: Competition) -> dict[str, Any]:
    """What readers of the layout expect, and what stands behind each edge of the platform.  It has no last day."""
    rules = rulesets.read({"name": competition.ruleset, **competition.config.get("rules", {})})
    shares = {name: float(getattr(rules, name)) for name in ("win_margin", "weight_decay", "weight_floor")}
    minutes = competition.config.get("blocks", {}).get("generation_blocks", 0) // BLOCKS_A_MINUTE
    return {
        "name": competition.slug,
        "description": competition.description,
        "first_evaluation_date": competition.created_at.date().isoformat(),
        "last_competition_date": date.max.isoformat(),
        "generation_stage_minutes": minutes,
        **shares,
        "audit_repeats": rules.audit_repeats,
        "prompts_per_round": competition.config.get("prompts_per_round", 0),
        "carryover_prompts": 0,
        "ruleset": competition.ruleset,
        "judge": competition.judge,
        "renderer": competition.renderer,
        "chain": competition.chain,
        "pods": competition.pods,
    }
