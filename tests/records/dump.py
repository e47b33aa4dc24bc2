"""Everything the database says of one competition, without keys and times: equal for equal imports."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Model

from audits.models import Audit, Finding
from competition.models import Competition, Miner, Prompt, Reign, Round, RoundPrompt, Submission
from dashboard.models import RecordFile, VerifierFinding
from judging.models import Duel, Match

# model -> path to its competition
OF_COMPETITION: dict[type[Model], str] = {
    Round: "competition",
    Prompt: "competition",
    RoundPrompt: "round__competition",
    Submission: "round__competition",
    Match: "round__competition",
    Duel: "match__round__competition",
    Audit: "round__competition",
    Finding: "audit__round__competition",
    Reign: "competition",
    RecordFile: "competition",
    VerifierFinding: "competition",
}
TIMES = ("DateTimeField",)


Names = dict[tuple[Any, Any], Any]


def dump(slug: str) -> dict[str, list[str]]:
    """Model -> its rows as sorted JSON lines; a row that another names is named by what it is."""
    competition, names = Competition.objects.get(slug=slug), Names()
    told = {model.__name__: _rows(model, path, competition, names) for model, path in OF_COMPETITION.items()}
    config = {**competition.config, "source": {"commit": competition.config["source"]["commit"]}}
    facts = [competition.name, competition.ruleset, competition.judge, competition.active, config]
    return {**told, "Competition": [json.dumps(facts, sort_keys=True)]}


def _rows(model: type[Model], path: str, competition: Competition, names: Names) -> list[str]:
    rows = model._default_manager.filter(**{path: competition}).order_by()
    return sorted(json.dumps(_told(row, names), sort_keys=True, default=str) for row in rows.iterator())


def _told(row: Model, names: Names) -> dict[str, Any]:
    """`names`: of the rows that others name, each read once."""
    told: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        if field.primary_key or field.get_internal_type() in TIMES:
            continue
        value = getattr(row, field.attname)
        if field.is_relation and value is not None:
            known = (field.related_model, value)
            names[known] = value = names[known] if known in names else _name(getattr(row, field.name))
        told[field.name] = bytes(value).hex()[:64] if isinstance(value, memoryview | bytes) else value
    return told


def _name(row: Any) -> Any:
    """What a row is, in words that do not depend on when it was written."""
    if isinstance(row, Competition):
        return row.slug
    if isinstance(row, Round):
        return row.number
    if isinstance(row, Miner):
        return row.hotkey
    if isinstance(row, Prompt):
        return row.stem
    if isinstance(row, Submission):
        return f"{row.round.number}/{row.key}"
    if isinstance(row, Match):
        return f"{row.round.number}/{row.defender.key}/{row.challenger.key}"
    if isinstance(row, Audit):
        return f"{_name(row.submission)}/{row.kind}"
    if isinstance(row, Reign):
        return row.sequence
    raise TypeError(type(row).__name__)
