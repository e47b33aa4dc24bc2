"""What do pages read of the game itself?  One function per need of a page, each with a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, F, Q, QuerySet

from competition.models import Asset, Competition, Miner, Prompt, Reign, Reveal, Round, RoundPrompt, Submission
from competition.reveals import ingest
from core.machine.engine import stateful_models
from core.machine.stateful import Stateful

MOST_ROUNDS = 100
MOST_REVEALS = 200
MOST_MINERS = 50
ROUND_PLACE = ("competition", "number", "earliest_reveal_block", "latest_reveal_block")
REIGN_COLUMNS = tuple(field.name for field in Reign._meta.concrete_fields)
ENTRY_COLUMNS: dict[str, Any] = {}
"""What other apps sum up for an entry: name -> expression, handed over by their `registrations.py`.  A subquery each: a
sum over joined rows would group the entries, and Django orders no grouped rows by a model's own order."""
TROUBLED = 3  # failed tries from which on people are shown a row


def current_competition() -> Competition | None:
    """The one the front page shows: the newest that is still played, else the newest."""
    return Competition.objects.order_by("-active", "-created_at", "-pk").first()


def competition_named(slug: str) -> Competition | None:
    return Competition.objects.filter(slug=slug).first()


def competitions() -> list[Competition]:
    """The one that the front page shows first: the newest that is still played, else the newest."""
    return list(Competition.objects.order_by("-active", "-created_at", "-pk"))


def rounds_of(competition: Competition) -> list[Round]:
    """Newest first."""
    return list(competition.rounds.select_related("defending__miner").order_by("-number")[:MOST_ROUNDS])


def reigns_of(competition: Competition, *, decided_in: bool = True) -> list[Reign]:
    """Newest first.  `decided_in`: with the number, and nothing else, of the round that decided each."""
    rows = competition.reigns.select_related("miner").order_by("-sequence")
    if decided_in:
        rows = rows.select_related("won_in").only(*REIGN_COLUMNS, "miner", "won_in__number")
    return list(rows[: 2 * MOST_ROUNDS])


def round_numbered(slug: str, number: int) -> Round | None:
    rows = Round.objects.select_related("competition", "defending__miner")
    try:
        return rows.get(competition__slug=slug, number=number)
    except Round.DoesNotExist:
        return None


def rounds_after(rounds: Iterable[Round]) -> dict[int, Round]:
    """Round -> the one after it, where there is one: its place and its blocks."""
    places = {(round_.competition_id, round_.number + 1): round_.pk for round_ in rounds}
    if not places:
        return {}
    among = {pk for pk, _ in places}, {number for _, number in places}
    rows = Round.objects.filter(competition__in=among[0], number__in=among[1]).only(*ROUND_PLACE)
    return {places[key]: row for row in rows.order_by() if (key := (row.competition_id, row.number)) in places}


def latest_round(slug: str) -> Round | None:
    rows = Round.objects.select_related("competition", "defending__miner")
    return rows.filter(competition__slug=slug).order_by("-number").first()


def entry_rows(rows: QuerySet[Submission]) -> QuerySet[Submission]:
    """With all that is shown of an entry: every query that brings entries asks by this.  What an entry shows of other
    rows, summed up, is in `ENTRY_COLUMNS`."""
    return rows.select_related("miner", "copy_of__miner").annotate(**ENTRY_COLUMNS)


def submissions_of(round_: Round) -> list[Submission]:
    """Everybody who entered, in the order of the queue, the leader included."""
    return list(entry_rows(round_.submissions.all()))


def leading_entries(rounds: Iterable[int], *, miners: Iterable[int]) -> list[Submission]:
    """Of these rounds the leader's entry, and those of these miners."""
    theirs = Q(role=Submission.Role.LEADER) | Q(miner__in=set(miners))
    rows = Submission.objects.filter(theirs, round__in=set(rounds))
    return list(entry_rows(rows.select_related("round__competition")))


def entries_so_far(round_: Round) -> list[Submission]:
    """What the reveals of an open window add up to by now; unsaved, because it may still change."""
    return list(ingest.submissions(round_, ingest.entries(round_)).values())


def drawn_prompts(round_: Round) -> list[RoundPrompt]:
    """In seed order, the order in which duels are judged."""
    return list(round_.drawn.select_related("prompt"))


def odd_reveals(round_: Round) -> list[Reveal]:
    """Messages of the round's window that something is wrong with."""
    rows = Reveal.objects.filter(block__range=round_.reveal_window, competition_id=round_.competition_id).exclude(
        objection=""
    )
    return list(rows.select_related("miner")[:MOST_REVEALS])


def asset_counts(round_: Round) -> dict[tuple[str, str, str], int]:
    """(role, origin, state) -> how many files."""
    rows = Asset.objects.filter(submission__round=round_).order_by()
    by = ("submission__role", "origin", "state")
    return {tuple(row[name] for name in by): row["n"] for row in rows.values(*by).annotate(n=Count("pk"))}


def files_beside_leader(entry: Submission) -> dict[str, list[str]]:
    """role -> the hashes of what stands for the leader of the entry's round, and for the entry, prompt by prompt."""
    judged = Q(submission__role="leader", origin="generated") | Q(submission=entry, origin="submitted")
    rows = Asset.objects.filter(judged, submission__round=entry.round_id, state="stored").order_by("prompt__stem")
    files: dict[str, list[str]] = {role: [] for role in dict.fromkeys(("leader", entry.role))}
    for role, sha256 in rows.values_list("submission__role", "sha256"):
        files[role].append(sha256)
    return files


def prompt_named(slug: str, stem: str) -> Prompt | None:
    return Prompt.objects.filter(competition__slug=slug, stem=stem).first()


def assets_on(round_: Round, prompt: Prompt, sides: Iterable[int]) -> list[Asset]:
    """What these submissions have for one prompt."""
    return list(Asset.objects.filter(submission__round=round_, submission__in=sides, prompt=prompt))


def reign_after(round_: Round) -> Reign | None:
    """The reign that the round's decision began or went on with."""
    return round_.reigns_begun.select_related("miner").order_by("sequence").last()


def labels_of(hotkeys: Iterable[str]) -> list[Miner]:
    return list(Miner.objects.filter(hotkey__in=set(hotkeys)).exclude(label=""))


def miner_at(hotkey: str) -> Miner | None:
    return Miner.objects.filter(hotkey=hotkey).first()


def miners_starting_with(prefix: str) -> list[Miner]:
    return list(Miner.objects.filter(hotkey__startswith=prefix).order_by("hotkey")[:MOST_MINERS])


def miners_labelled(text: str) -> list[Miner]:
    return list(Miner.objects.filter(label__icontains=text).order_by("hotkey")[:MOST_MINERS])


def submissions_at_commit(prefix: str) -> list[Submission]:
    rows = entry_rows(Submission.objects.filter(commit__startswith=prefix))
    return list(rows.select_related("round__competition").order_by("-round__pk")[:MOST_MINERS])


def submissions_by(miner: Miner) -> list[Submission]:
    """Newest round first."""
    rows = entry_rows(miner.submissions.select_related("round__competition", "round__defending__miner"))
    return list(rows.order_by("-round__competition_id", "-round__number", "role")[:MOST_ROUNDS])


def reveals_by(miner: Miner) -> list[Reveal]:
    """Newest first."""
    rows = miner.reveals.select_related("competition").order_by("-block", "-extrinsic_index")
    return list(rows[:MOST_REVEALS])


def reigns_by(miner: Miner) -> list[Reign]:
    return list(miner.reigns.select_related("competition", "won_in").order_by("-competition_id", "-sequence"))


def reigns_in(competitions: Iterable[int]) -> dict[int, list[Reign]]:
    """competition -> its reigns, oldest first."""
    rows = Reign.objects.filter(competition__in=set(competitions)).select_related("miner", "competition")
    reigns: dict[int, list[Reign]] = {}
    for reign in rows.order_by("competition_id", "sequence"):
        reigns.setdefault(reign.competition_id, []).append(reign)
    return reigns


def failed_assets(submissions: Iterable[int]) -> QuerySet[Asset]:
    rows = Asset.objects.filter(submission__in=set(submissions), state="failed").select_related("prompt")
    return rows.annotate(round_number=F("submission__round__number")).order_by("-submission_id", "prompt__stem")


def stored_assets(submissions: Iterable[int], *, hashes: Iterable[str]) -> list[Asset]:
    """Of these files those that the submissions have."""
    rows = Asset.objects.filter(submission__in=set(submissions), state="stored", sha256__in=set(hashes))
    return list(rows.select_related("prompt").order_by("-submission_id", "prompt__stem"))


def is_prompt(sha256: str) -> bool:
    """A prompt that may be seen: one that a round drew, a fresh one once its title matches are on.

    The rest of the pool is known by its hashes only.
    """
    shown = Q(draws__isnull=False) | Q(fresh_draws__round__state__in=("finalizing", "finished"))
    return Prompt.objects.filter(shown, sha256=sha256).exists()


def is_stored_asset(sha256: str) -> bool:
    return Asset.objects.filter(sha256=sha256, state="stored").exists()


def progress(competition: Competition) -> str:
    """Where a competition stands, in one line for a terminal, with what troubles it most."""
    round_ = competition.current_round()
    if round_ is None:
        return f"{competition.slug}: no round has begun"
    line = f"{competition.slug} round {round_.number}: {round_.state}"
    reason = round_.failure_reason or round_.waiting_for
    troubled = troubles()
    return " ".join(filter(None, [f"{line}: {reason}" if reason else line, f"[{troubled}]" if troubled else ""]))


def troubles() -> str:
    """The row that has been tried most often in vain, if any was tried three times; "" where all is well."""
    worst: Stateful | None = None
    for model in stateful_models():
        rows = model._default_manager.filter(state__in=model.graph.active(), attempts__gte=TROUBLED)
        row = rows.exclude(failure_class="").order_by("-attempts").first()
        if row and (worst is None or row.attempts > worst.attempts):
            worst = row
    if worst is None:
        return ""
    what = f"{worst._meta.model_name} {worst.pk} failed {worst.attempts} times"
    return f"{what}, {worst.failure_class}: {worst.failure_reason}"
