"""How does a database get five hundred rounds in some minutes?  By INSERT … SELECT, with defaults from the models.

Duels of all rounds are made; stored files and their pictures' rows, which only the newest rounds' pages look up, for so
many of the newest rounds as are asked for.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.models import NOT_PROVIDED, Model
from psycopg.types.json import Jsonb

from audits.models import Audit
from competition.models import (
    Asset,
    Competition,
    LedgerEvent,
    Miner,
    Prompt,
    Reign,
    Round,
    RoundPrompt,
    SimulatedChain,
    Submission,
)
from core.postgres import server
from core.postgres.backend.roles import as_owner
from dashboard.facts import prompt_counts
from dashboard.models import Publication
from judging.models import Duel, Match, Rendering
from judging.renderers import renderer as renderer_named
from judging.renderers.rig import EMBEDDED

QUICK = ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_wal_size=8GB"]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
RULES = {"name": "margin-1", "win_margin": "1/20", "stop_early": False}
CARRIED = 4  # of the prompts of a round one in so many is one of the round before
AT_ONCE = 50  # rounds whose duels one statement makes
BASE58 = "translate(%s, '0abcdef', '1xyzuvw')"
VIEWS = ["front_left", "front_right", "right", "back", "left", "top_down", "gray_front_left", "grid"]


@contextmanager
def database(folder: Path, *, kept: bool) -> Iterator[None]:
    """An embedded one that loses what was written last if the machine loses power; `kept` when it is over."""
    settings.EMBEDDED_POSTGRES_OPTIONS += QUICK
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connection.close()
        server.cluster().stop()
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, kw_only=True)
class Size:
    rounds: int
    miners: int
    prompts: int
    with_files: int

    @property
    def new_prompts(self) -> int:
        return self.prompts - self.prompts // CARRIED


def insert(model: type[Model], source: str, *, args: Sequence[Any] = (), **expressions: str) -> int:
    """One row for each of `source`; a column that is not named gets the field's default."""
    columns, values, defaults = [], [], []
    for field in model._meta.concrete_fields:
        if field.primary_key:
            continue
        columns.append(f'"{field.column}"')
        if field.column in expressions:
            values.append(f"({expressions[field.column]})")
        else:
            values.append("%s" + (f"::{field.db_type(connection)}" if field.get_internal_type() == "JSONField" else ""))
            defaults.append(_default(field))
    command = f'INSERT INTO "{model._meta.db_table}" ({", ".join(columns)}) SELECT {", ".join(values)} FROM {source}'
    with connection.cursor() as cursor:
        cursor.execute(command, [*defaults, *args])
        return int(cursor.rowcount)


def _default(field: Any) -> Any:
    value = field.get_default() if field.default is not NOT_PROVIDED or not field.null else None
    return Jsonb(value) if field.get_internal_type() == "JSONField" else value


def text(value: str) -> str:
    return "'" + value.replace("'", "''").replace("%", "%%") + "'"


STAMP = text(NOW.isoformat()) + "::timestamptz"


def fill(size: Size) -> Competition:
    competition = _competition()
    _miners_and_prompts(competition, size)
    _rounds(competition, size)
    _submissions(size)
    _matches(size)
    _drop_indexes()
    for first in range(0, size.rounds, AT_ONCE):
        _duels(first, min(first + AT_ONCE, size.rounds), size)
    _make_indexes()
    _tallies()
    for round_ in competition.rounds.order_by("number"):
        prompt_counts.keep(round_)  # as its publication does
    _audits_and_reigns(competition, size)
    _files(competition, size)
    with as_owner(connection), connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    return competition


def _competition() -> Competition:
    chain = SimulatedChain.objects.create(name="bench", genesis_at=NOW)
    config = {"rig": EMBEDDED.to_json(), "format": "glb", "rules": {"win_margin": "1/20"}}
    return Competition.objects.create(
        slug="bench",
        name="Five hundred rounds",
        ruleset="margin-1",
        judge="perceptual-v1",
        renderer="raycast",
        chain=f"simulated:{chain.name}",
        pods="local",
        config=config,
        created_at=NOW,
    )


def _miners_and_prompts(competition: Competition, size: Size) -> None:
    digest = BASE58 % "encode(sha256(('m' || n)::bytea), 'hex')"
    insert(Miner, f"generate_series(0, {size.miners}) n", hotkey=f"'5' || left({digest}, 47)")
    total = size.new_prompts * (size.rounds - 1) + size.prompts
    digest = "encode(sha256(('p' || n)::bytea), 'hex')"
    insert(
        Prompt,
        f"generate_series(0, {total - 1}) n",
        competition_id=str(competition.pk),
        stem=digest,
        sha256=digest,
        bytes="1000",
    )


def _rounds(competition: Competition, size: Size) -> None:
    insert(
        Round,
        f"generate_series(0, {size.rounds - 1}) n",
        competition_id=str(competition.pk),
        number="n",
        ruleset="'margin-1'",
        rules=text(_json(RULES)) + "::jsonb",
        state="'finished'",
        since=STAMP,
        seed="repeat('5eed', 16)",
        seed_block_hash="repeat('b10c', 16)",
        earliest_reveal_block="1000 * n",
        latest_reveal_block="1000 * n + 99",
        seed_block="1000 * n + 102",
        generation_deadline_block="1000 * n + 400",
        headline="'The leader defends. No challenger of ' || n || ' reached the bar.'",
    )
    place = f"p.id - (SELECT min(id) FROM {Prompt._meta.db_table}) - {size.new_prompts} * r.number"
    source = (
        f"{Round._meta.db_table} r JOIN {Prompt._meta.db_table} p "
        f"ON p.id - (SELECT min(id) FROM {Prompt._meta.db_table}) BETWEEN {size.new_prompts} * r.number "
        f"AND {size.new_prompts} * r.number + {size.prompts - 1}"
    )
    insert(RoundPrompt, source, round_id="r.id", prompt_id="p.id", position=place)


def _json(value: Any) -> str:
    import json

    return json.dumps(value)


def _submissions(size: Size) -> None:
    """The first miner leads; all others challenge."""
    source = f"{Round._meta.db_table} r, {Miner._meta.db_table} m"
    least = f"(SELECT min(id) FROM {Miner._meta.db_table})"
    leads = f"m.id = {least}"
    commit = "left(encode(sha256(('c' || m.id || '-' || r.number)::bytea), 'hex'), 40)"
    insert(
        Submission,
        source,
        round_id="r.id",
        miner_id="m.id",
        role=f"CASE WHEN {leads} THEN 'leader' ELSE 'challenger' END",
        repo="'bench/miner-' || m.id",
        commit=commit,
        cdn_url="'https://files.example.org/x'",
        extrinsic_index="0",
        reveal_block=f"CASE WHEN {leads} THEN NULL ELSE r.earliest_reveal_block + (m.id - {least}) %% 90 END",
    )


def _matches(size: Size) -> None:
    table = Submission._meta.db_table
    insert(
        Match,
        f"{table} c JOIN {table} d ON d.round_id = c.round_id AND d.role = 'leader' WHERE c.role = 'challenger'",
        round_id="c.round_id",
        kind="'screen'",
        defender_id="d.id",
        defender_origin="'generated'",
        challenger_id="c.id",
        challenger_origin="'submitted'",
        judge="repeat('j', 64)",
        judge_name="'perceptual-v1'",
        state="'decided'",
        since=STAMP,
        stopped_after=str(size.prompts),
    )


def _drop_indexes() -> None:
    """Many rows come quicker without them."""
    with as_owner(connection), connection.schema_editor() as editor:
        for index in Duel._meta.indexes:
            editor.remove_index(Duel, index)


def _make_indexes() -> None:
    with as_owner(connection), connection.schema_editor() as editor:
        for index in Duel._meta.indexes:
            editor.add_index(Duel, index)


SIDE = "encode(sha256((%s || '-' || p.prompt_id)::bytea), 'hex')"


def _duels(first: int, end: int, size: Size) -> None:
    """Thirteen in a hundred won, nine lost, the others drawn."""
    chance = "(m.id * 31 + p.position * 17 + (m.id * p.position) %% 23) %% 100"
    source = (
        f"{Match._meta.db_table} m JOIN {Round._meta.db_table} r ON r.id = m.round_id "
        f"JOIN {RoundPrompt._meta.db_table} p ON p.round_id = r.id WHERE r.number >= {first} AND r.number < {end}"
    )
    detail = _json(
        {"decided_by": "front", "stages": [{"kind": "front", "ab": 300_000, "ba": -320_000, "score": 310_000}]}
    )
    insert(
        Duel,
        source,
        match_id="m.id",
        prompt_id="p.prompt_id",
        position="p.position",
        state="'judged'",
        since=STAMP,
        outcome=f"CASE WHEN {chance} < 13 THEN 'challenger' WHEN {chance} < 22 THEN 'defender' ELSE 'draw' END",
        score_micro=f"CASE WHEN {chance} < 13 THEN 310000 WHEN {chance} < 22 THEN -420000 ELSE 12000 END",
        left_sha256=SIDE % "m.defender_id",
        right_sha256=SIDE % "m.challenger_id",
        detail=text(detail) + "::jsonb",
    )


def _tallies() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Match._meta.db_table} m SET won = t.won, lost = t.lost, drawn = t.drawn, duels_made = t.made, "
            "margin_micro = round((t.won - t.lost) * 1000000.0 / (t.won + t.lost + t.drawn)) "
            "FROM (SELECT match_id, count(*) made, "
            "count(*) FILTER (WHERE outcome = 'challenger') won, count(*) FILTER (WHERE outcome = 'defender') lost, "
            f"count(*) FILTER (WHERE outcome = 'draw') drawn FROM {Duel._meta.db_table} GROUP BY match_id) t "
            "WHERE t.match_id = m.id"
        )


def _audits_and_reigns(competition: Competition, size: Size) -> None:
    source = f"{Submission._meta.db_table} s WHERE s.role = 'challenger' AND s.id %% {max(2, size.miners // 2)} = 0"
    insert(
        Audit,
        source,
        round_id="s.round_id",
        submission_id="s.id",
        kind="'source'",
        state="'passed'",
        since=STAMP,
        reason="'No finding is blocking.'",
    )
    leader = f"(SELECT min(id) FROM {Miner._meta.db_table})"
    insert(
        Reign,
        f"{Round._meta.db_table} r",
        competition_id=str(competition.pk),
        sequence="r.number + 1",
        miner_id=leader,
        repo="'bench/leader'",
        commit="repeat('a', 40)",
        weight="'1/5'",
        effective_block="1000 * r.number + 999",
        won_in_id="r.id",
        defence="r.number > 0",
    )
    insert(
        Publication,
        f"{Round._meta.db_table} r",
        round_id="r.id",
        state="'published'",
        since=STAMP,
        bundle_hash="repeat('f', 64)",
        files="99",
        bytes="1000000",
    )
    digest = "encode(sha256(('e' || n)::bytea), 'hex')"
    insert(
        LedgerEvent,
        f"generate_series(1, {size.rounds * 200}) n",
        competition_id=str(competition.pk),
        seq="n",
        hash=digest,
        previous="encode(sha256(('e' || n - 1)::bytea), 'hex')",
        kind="'duel.judged'",
        body="'{}'::jsonb",
        created_at=STAMP,
    )


def _files(competition: Competition, size: Size) -> None:
    """Of the newest rounds: what both sides delivered, and its pictures."""
    source = (
        f"{Submission._meta.db_table} s JOIN {Round._meta.db_table} r ON r.id = s.round_id "
        f"JOIN {RoundPrompt._meta.db_table} p ON p.round_id = r.id WHERE r.number >= {size.rounds - size.with_files}"
    )
    origin = "CASE WHEN s.role = 'leader' THEN 'generated' ELSE 'submitted' END"
    insert(
        Asset,
        source,
        submission_id="s.id",
        prompt_id="p.prompt_id",
        origin=origin,
        sha256=SIDE % "s.id",
        bytes="30000000",
        state="'stored'",
        since=STAMP,
    )
    views = ", ".join(f"'{name}', encode(sha256(('{name}' || a.sha256)::bytea), 'hex')" for name in VIEWS)
    insert(
        Rendering,
        f"{Asset._meta.db_table} a",
        competition_id=str(competition.pk),
        sha256="a.sha256",
        rig=text(EMBEDDED.digest()),
        renderer=text(renderer_named(competition.renderer).version),
        views=f"jsonb_build_object({views})",
        triangles="1000000",
        state="'rendered'",
        since=STAMP,
    )
