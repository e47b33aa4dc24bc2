"""How does a person read an answer in a terminal?  Every text of others is stripped of what a terminal would obey."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from rich.markup import escape
from rich.table import Table

from gauntlet_client.options import out

LOST = ("lost", "forfeit_challenger")
MOST = 20
COUNTS = {
    "won": "won",
    "drawn": "drawn",
    "lost": "lost",
    "forfeits_challenger": "forfeited",
    "forfeits_defender": "forfeited by the other",
    "void": "void",
}
MARKS = {
    "won": "[green]+ won[/]",
    "lost": "[red]- lost[/]",
    "drawn": "= drawn",
    "forfeit_challenger": "[red]x forfeit[/]",
}
Document = Mapping[str, Any]


def safe(value: Any) -> str:
    return escape("".join(c for c in str(value) if c.isprintable()))


def share(value: float | None) -> str:
    """Signed, with two digits, as on the pages; a minus sign, never `-0`."""
    if value is None:
        return "?"
    rounded = round(100 * value, 2)
    sign = "−" if rounded < 0 else "+" if rounded > 0 else ""
    return f"{sign}{abs(rounded):.2f} %"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def standing(told: Document) -> None:
    out.print(f"[bold]{safe(told['sentence'])}[/]")
    out.print(
        f"{safe(told['competition'])}, round {told['round']}, {safe(told['stage'])}; {safe(told['miner']['hotkey'])}"
    )
    for line in (_place(told), _margin(told), *_weights(told), *_times(told)):
        if line:
            out.print(line)
    matches(told["matches"])
    causes(told["causes"])
    audits(told["audits"])
    appeals(told.get("appeals") or ())


def _place(told: Document) -> str:
    if not told["place"]:
        return ""
    shared = f", shared by {told['rank_shared']}" if told.get("rank_shared", 0) > 1 else ""
    rank = f", rank {told['rank']} of {told['ranked']} by margin{shared}" if told["rank"] else ""
    return f"Place {told['place']} of {told['queue']} in the queue{rank}"


def _margin(told: Document) -> str:
    if told["margin"] is None:
        return ""
    missing = f"; {count(told['gap'], 'net duel')} short" if told["gap"] else ""
    ends = "no 95 % interval"
    if told["interval_95"]:
        low, high = (share(end) for end in told["interval_95"])
        ends = f"95 % between {low} and {high}"
    return f"Margin {share(told['margin_rounded'])} ({ends}), the bar is {share(told['win_margin_rounded'])}{missing}"


def _weights(told: Document) -> Iterator[str]:
    """What is paid at the current block, and what is decided for later ones; a platform of before says neither."""
    later = told.get("weight_later") or ()
    if told.get("leads") or later or told.get("weight_rounded"):
        now = told.get("weight_rounded")
        yield "Weight now: " + ("not known, the chain does not tell its block" if now is None else f"{now:.2f}")
    for row in later:
        about = f", about {safe(row['expected_at'])}" if row["expected_at"] else ""
        yield f"Later: weight {row['weight_rounded']:.2f} from block {row['from_block']:,}{about}"


def _times(told: Document) -> Iterator[str]:
    if estimate := told["estimate"]:
        yield f"Decided in about {duration(estimate['seconds'])} ({count(estimate['duels_ahead'], 'duel')} ahead)"
    if clock := told["clock"]:
        yield f"This stage ends in {count(clock['blocks_left'], 'block')}, about {duration(clock['seconds_left'])}"


def matches(rows: Sequence[Document]) -> None:
    if not rows:
        return
    """What an audit is held against is below 0: `limit`; a platform of before tells the bar alone."""
    table = Table("match", "state", *COUNTS.values(), "margin", "bar or limit")
    for row in rows:
        tally = row["tally"]
        numbers = [str(tally[name]) for name in COUNTS] if tally else [""] * len(COUNTS)
        limit = tally.get("limit_rounded", tally["win_margin_rounded"]) if tally else None
        ends = [share(tally["margin_rounded"]), share(limit)] if tally else ["", ""]
        table.add_row(
            f"{safe(row['kind'])} against {safe(row['defender']['entry'][:10])}", safe(row["state"]), *numbers, *ends
        )
    out.print(table)


def causes(rows: Sequence[Document]) -> None:
    for row in rows:
        who = f"{safe(row['failure_class'])}: {safe(row['who_must_act'])}"
        out.print(f"[yellow]{row['count']} × {safe(row['what'])} {safe(row['code'])}[/] ({who}) {safe(row['reason'])}")


def audits(rows: Sequence[Document]) -> None:
    for row in rows:
        waits = f"; waits for {safe(row['waiting_for'])}" if row["waiting_for"] else ""
        out.print(f"{safe(row['kind'])} audit: [bold]{safe(row['state'])}[/] {safe(row['reason'])}{waits}{until(row)}")
        appeals(row.get("appeals") or ())


def until(row: Document) -> str:
    """Until when an appeal is taken, or that the time for it is over; older platforms tell a block only."""
    last = row.get("appeal_last_block")
    if not last:
        return ""
    if row.get("appeal_open") is False:
        return f"; the time for appeals ended with block {last:,}"
    about = f", about {safe(row['appeal_until'])}" if row.get("appeal_until") else ""
    return f"; an appeal is taken until block {last:,}{about}"


def appeals(rows: Sequence[Document]) -> None:
    for row in rows:
        by = f"{safe(row['appellant']['hotkey'][:8])}… against the {safe(row['audit'])} audit"
        late = "overdue since" if row["overdue"] else "to be decided by"
        ends = f", {late} {safe(row['decide_by'])}" if row["state"] == "lodged" else f". {safe(row['reason'])}"
        out.print(f"  appeal of {by}: [bold]{safe(row['state'])}[/]{ends}")


def why(told: Document, server: str) -> None:
    """The prompts that cost the match, worst first, each with its page."""
    out.print(f"[bold]{safe(told['sentence'])}[/]")
    if told["submission"] and told["submission"]["objection"]:
        out.print(f"[red]{safe(told['submission']['objection'])}[/]")
    lost = costly(told)
    table = Table("prompt", "result", "score", "what it means", "page")
    for row in lost[:MOST]:
        score = "" if row["score_micro"] is None else f"{row['score_micro'] / 1e6:+.3f}"
        table.add_row(safe(row["prompt"]), MARKS[row["result"]], score, safe(row["meaning"]), safe(server + row["url"]))
    if lost:
        out.print(table)
    if len(lost) > MOST:
        out.print(f"and {len(lost) - MOST} more (--json has all)")
    causes(told["causes"])
    audits(told["audits"])


def costly(told: Document) -> list[Document]:
    """Lost prompts: forfeits first, then the clearest defeats."""
    lost = [row for row in told["prompts"] if row["result"] in LOST]
    return sorted(lost, key=lambda row: (row["result"] == "lost", row["score_micro"] or 0, row["prompt"]))


def taken(told: Document) -> None:
    out.print(f"[green]Taken[/] for round {told['round']}; it may be changed until block {told['closes_at_block']}.")
    if told["eligible"]:
        what = f"{safe(told['repo'])} at {safe(told['commit'])}, files at {safe(told['cdn_url'])}"
        out.print(f"Place {told['place']} in the queue: {what}")
    else:
        out.print(f"[yellow]It would take no part if the window closed now:[/] {safe(told['objection'])}")


def appealed(told: Document) -> None:
    out.print(f"[green]Lodged[/] at block {told['block']}; it is to be decided by {safe(told['decide_by'])}.")


def opinion_posted(posted: Document) -> None:
    known = "a registered key" if posted["registered"] else "a key that is not registered"
    answers = f"{safe(posted['same'])} of {safe(posted['of'])} answers alike"
    out.print(f"[green]Posted[/] by {known} about round {safe(posted['round'])}: {answers}.")


def preflight(told: Document) -> None:
    for row in told["prompts"]:
        if row.get("missing"):
            out.print(f"[red]missing[/]  {safe(row['sentence'])}")
        elif no := row.get("refused"):
            out.print(f"[red]refused[/]  {safe(row['prompt'])}: {safe(no['code'])} {safe(no['sentence'])}")
        elif row.get("verdict", {}).get("outcome") == "void":
            out.print(f"[yellow]void[/]     {safe(row['prompt'])}: {safe(row['verdict']['reason'])}")
    integrity(told["prompts"])
    if told["not_drawn"]:
        kept = sum(not row.get("missing") and "refused" not in row and "verdict" not in row for row in told["prompts"])
        out.print(
            f"{kept} files keep the rules for {safe(told['format'])} files; {told['forfeits']} would be forfeits."
        )
        out.print(f"[yellow]{safe(told['not_drawn'])}[/] {safe(told['fix'])}")
        return
    table = Table("won", "drawn", "lost", "void", "forfeits", "margin", "bar")
    counts = (str(told[name]) for name in ("won", "drawn", "lost", "void", "forfeits"))
    table.add_row(*counts, *(percent(told[name]) for name in ("margin", "win_margin")))
    out.print(table)
    theirs = safe(told["judge_of_the_competition"])
    same = "which judges this competition" if told["same_judge"] else f"not by {theirs}, whose verdicts may differ"
    out.print(f"Against the leader's files of round {told['round']}, judged by {safe(told['judge'])}, {same}.")


def integrity(rows: Sequence[Document]) -> None:
    """The defects of all files, worst first, and how to mend them: they cost nothing as long as no rule says so."""
    measured = [(row["prompt"], row["integrity"]) for row in rows if "integrity" in row]
    for prompt, each in measured:
        if "not_measured" in each:
            out.print(f"[yellow]not measured[/] {safe(prompt)}: {safe(each['not_measured'])}")
    defects = [(defect, prompt) for prompt, each in measured for defect in each.get("defects", ())]
    if not defects:
        return
    defects.sort(key=lambda pair: (-pair[0]["share"], pair[1]))
    table = Table("prompt", "defect", "number", "share", "how to mend it")
    for defect, prompt in defects[:MOST]:
        number, part = f"{defect['count']:,}", f"{defect['share']:.2%}".replace("%", " %")
        table.add_row(safe(prompt), safe(defect["label"]), number, part, safe(defect["mend"]))
    out.print(table)
    if len(defects) > MOST:
        out.print(f"and {len(defects) - MOST} more (--json has all)")
    out.print("How sound your files are, worst first. No verdict depends on it.")


def percent(fraction: str | None) -> str:
    """`1/20` as 5.0 %; "" where nothing was judged."""
    return "" if fraction is None else f"{float(Fraction(fraction)):.1%}".replace("%", " %")


def duration(seconds: int) -> str:
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def webhooks(told: Document) -> None:
    for row in told["results"]:
        state = "active" if row["active"] else f"ended: {row['ended_because']}"
        if row["suspended_at"]:
            state = f"SUSPENDED: {row['suspended_because']}"
        elif row["active"] and row["failing_since"]:
            state = f"failing since {row['failing_since']}"
        out.print(f"{safe(row['id'])} {safe(row['address'])} ({safe(', '.join(row['kinds']))}): {safe(state)}")
    if not told["results"]:
        out.print("You have no webhooks.")
