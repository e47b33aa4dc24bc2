"""Lies about audits, the decision and the ledger: the change, and the kind of finding that must name it."""

from __future__ import annotations

from tests.verify.lying import ASH, BIRCH, COPYCAT, Lie, Row, told
from tests.verify.made_files import Made


def audit_left_out(made: Made) -> None:
    audits = made.documents["audits.json"]
    audits[:] = [a for a in audits if (a["entry"], a["kind"]) != (ASH, "source")]


def all_audits_left_out(made: Made) -> None:
    made.documents["audits.json"].clear()


def audit_of_somebody_else(made: Made) -> None:
    audit = next(a for a in made.documents["audits.json"] if a["kind"] == "source")
    made.documents["audits.json"].append({**audit, "entry": COPYCAT})


def rejection_taken_back(made: Made) -> None:
    audit = next(a for a in made.documents["audits.json"] if a["verdict"] == "rejected")
    audit |= {"verdict": "passed", "code": "not_worse"}
    event = made.event("audit.rejected", entry=BIRCH)
    turned = {**event, "to": "passed", "code": "not_worse"}
    made.events = [("audit.passed", turned) if b is event else (k, b) for k, b in made.events]


def rejected_for_nothing(made: Made) -> None:
    audit = next(a for a in made.documents["audits.json"] if (a["entry"], a["kind"]) == (ASH, "generation"))
    audit |= {"verdict": "rejected", "code": "worse_than_submitted"}
    event = made.event("audit.passed", entry=ASH, audit="generation")
    turned = {**event, "to": "rejected", "code": "worse_than_submitted"}
    made.events = [("audit.rejected", turned) if b is event else (k, b) for k, b in made.events]


def audit_numbers_changed(made: Made) -> None:
    for row in (
        next(a for a in made.documents["audits.json"] if a["verdict"] == "rejected"),
        made.event("audit.rejected", entry=BIRCH),
    ):
        row["numbers"] |= {"lost": 3, "drawn": 1, "margin": "-3/4"}


def blocking_finding_passed(made: Made) -> None:
    audit = next(a for a in made.documents["audits.json"] if (a["entry"], a["kind"]) == (ASH, "source"))
    audit["findings"][0]["severity"] = "blocking"
    for row in (audit, made.event("audit.passed", entry=ASH, audit="source")):
        row["numbers"] |= {"blocking": 1, "notice": 0}


def too_slow_passed(made: Made) -> None:
    made.event("audit.passed", entry=ASH, audit="generation")["numbers"]["generation_s"] = 601


def limit_raised(made: Made) -> None:
    for row in (
        next(a for a in made.documents["audits.json"] if (a["entry"], a["kind"]) == (ASH, "generation")),
        made.event("audit.passed", entry=ASH, audit="generation"),
    ):
        row["limits"]["generation_s"] = 6000


def decided_by_a_person_without_need(made: Made) -> None:
    audit = next(a for a in made.documents["audits.json"] if (a["entry"], a["kind"]) == (ASH, "source"))
    event = made.event("audit.passed", entry=ASH, audit="source")
    asked = {**event, "from": "gathering", "to": "reviewing"}
    audit |= {"code": "harmless", "people": ["ann", "bob"]}
    by = [{"name": "ann", "role": "lead"}, {"name": "bob", "role": "lead"}]
    event |= {"from": "reviewing", "code": "harmless", "by": by}
    place = next(n for n, (_, body) in enumerate(made.events) if body is event)
    made.events.insert(place, ("audit.reviewing", asked))


def titles_in_a_round_without_any(made: Made) -> None:
    empty: Row = {name: [] for name in ("fresh", "entries", "canaries", "finalists", "bankrolls", "seen")}
    made.documents["title.json"] = {**empty, "leader_commit": "a" * 40}


def rungs_reordered(made: Made) -> None:
    ladder = made.documents["decision.json"]["ladder"]
    ladder[1], ladder[2] = ladder[2], ladder[1]


def rung_left_out(made: Made) -> None:
    del made.documents["decision.json"]["ladder"][2]


def rejected_rung_advances(made: Made) -> None:
    made.documents["decision.json"]["ladder"][1]["verdict"] = "advanced"


def reason_tells_other_numbers(made: Made) -> None:
    rung = made.documents["decision.json"]["ladder"][0]
    rung["reason"] = rung["reason"].replace("Won 3", "Won 4")


def headline_names_another(made: Made) -> None:
    decision = made.documents["decision.json"]
    decision["headline"] = decision["headline"].replace(ASH, BIRCH)


def another_wins(made: Made) -> None:
    """All of the decision says birch: winner, reign, weights and the ledger."""
    decision = made.documents["decision.json"]
    decision |= {"winner": BIRCH, "leader": BIRCH, "weights": {"3": "1"}}
    decision["headline"] = decision["headline"].replace(ASH, BIRCH)
    decision["reigns"][1]["hotkey"] = BIRCH
    made.event("round.finished", round=1)["winner"] = BIRCH
    birch = next(s for s in made.documents["submissions.json"] if s["entry"] == BIRCH)
    made.event("reign", sequence=2).update(leader=BIRCH, repo=birch["repo"], commit=birch["commit"])
    made.events[-1][1]["weights"] = {"3": "1"}


def another_leads_than_won(made: Made) -> None:
    made.documents["decision.json"]["leader"] = BIRCH


def weight_lowered(made: Made) -> None:
    decision = made.documents["decision.json"]
    decision |= {"weight": "4/5", "weights": {"0": "1/5", "2": "4/5"}}
    decision["reigns"][1]["weight"] = "4/5"
    made.event("reign", sequence=2)["weight"] = "4/5"
    made.events[-1][1]["weights"] = {"0": "1/5", "2": "4/5"}


def paid_too_early(made: Made) -> None:
    decision = made.documents["decision.json"]
    decision |= {"effective_block": 1203, "weights_block": 1203}
    decision["reigns"][1]["effective_block"] = 1203
    made.event("reign", sequence=2)["effective_block"] = 1203


def shares_changed(made: Made) -> None:
    made.documents["decision.json"]["weights"] = {"0": "1/10", "2": "9/10"}


def uid_of_somebody_else(made: Made) -> None:
    """Ash's share goes to birch's place on the chain, in all that is said of it."""
    decision = made.documents["decision.json"]
    decision["uids"][ASH] = decision["uids"][BIRCH]
    decision["weights"] = {"3": "1"}
    made.events[-1][1]["weights"] = {"3": "1"}


def shares_of_another_block(made: Made) -> None:
    made.documents["decision.json"] |= {"weights_block": 700, "weights": {"0": "1/5", "1": "4/5"}}


def paid_to_somebody_else(made: Made) -> None:
    made.events[-1][1]["weights"] = {"5": "1"}


def history_of_reigns_rewritten(made: Made) -> None:
    made.documents["decision.json"]["reigns"][0]["weight"] = "1"


def document_of_another_round(made: Made) -> None:
    made.documents["competition.json"]["slug"] = "other"


def ledger_tells_another_winner(made: Made) -> None:
    made.event("round.finished", round=1)["winner"] = BIRCH


def ledger_tells_another_verdict(made: Made) -> None:
    match = made.match("screen", "leader", "ash")
    told(made, match, match["duels"][1])["outcome"] = "challenger"


def ledger_tells_other_bytes(made: Made) -> None:
    made.event("asset.stored", entry=BIRCH, origin="submitted", prompt="p0")["sha256"] = "0" * 64


def ledger_without_a_duel(made: Made) -> None:
    match = made.match("screen", "leader", "ash")
    event = told(made, match, match["duels"][1])
    made.events = [(k, b) for k, b in made.events if b is not event]


def ledger_without_a_reign(made: Made) -> None:
    made.events = [(k, b) for k, b in made.events if not (k == "reign" and b["sequence"] == 2)]


def stage_left_out(made: Made) -> None:
    made.events = [(k, b) for k, b in made.events if k != "round.downloading"]


def duel_told_twice(made: Made) -> None:
    match = made.match("screen", "leader", "ash")
    event = told(made, match, match["duels"][1])
    made.events.append(("duel.judged", dict(event)))


def match_decided_before_it_began(made: Made) -> None:
    place = next(n for n, (kind, _) in enumerate(made.events) if kind == "match.judging")
    decided = next(n for n, (kind, _) in enumerate(made.events) if kind == "match.decided")
    made.events.insert(place, made.events.pop(decided))


def published_before_it_finished(made: Made) -> None:
    made.events = [(k, b) for k, b in made.events if k != "round.finished"]


def announced_twice(made: Made) -> None:
    place = next(n for n, (kind, _) in enumerate(made.events) if kind == "publication.signing")
    made.events.insert(place, ("publication.signing", {**made.events[place][1], "bundle": "0" * 64}))


def document_with_another_number(made: Made) -> None:
    made.documents["round.json"]["number"] = 3


def source_audit(made: Made) -> Row:
    return next(a for a in made.documents["audits.json"] if (a["entry"], a["kind"]) == (ASH, "source"))


def finding_by_a_tool_that_never_ran(made: Made) -> None:
    source_audit(made)["findings"][0]["tool_version"] = "2"


def a_check_that_was_left_out(made: Made) -> None:
    for row in (source_audit(made), made.event("audit.passed", entry=ASH, audit="source")):
        row["checks"] = []


def another_archive_was_checked(made: Made) -> None:
    source_audit(made)["archive"] = "0" * 64


def an_archive_without_a_hash(made: Made) -> None:
    for row in (source_audit(made), made.event("audit.passed", entry=ASH, audit="source")):
        row["archive"] = ""


LIES: dict[Lie, str] = {
    finding_by_a_tool_that_never_ran: "wrong-check",
    a_check_that_was_left_out: "wrong-check",
    another_archive_was_checked: "ledger-differs",
    an_archive_without_a_hash: "wrong-check",
    audit_left_out: "missing-audit",
    all_audits_left_out: "missing-audit",
    audit_of_somebody_else: "extra-audit",
    rejection_taken_back: "wrong-audit",
    rejected_for_nothing: "wrong-audit",
    audit_numbers_changed: "wrong-audit",
    blocking_finding_passed: "wrong-audit",
    too_slow_passed: "wrong-audit",
    limit_raised: "wrong-audit",
    decided_by_a_person_without_need: "wrong-audit",
    titles_in_a_round_without_any: "foreign-file",
    rungs_reordered: "wrong-ladder",
    rung_left_out: "wrong-ladder",
    rejected_rung_advances: "wrong-ladder",
    reason_tells_other_numbers: "wrong-reason",
    headline_names_another: "wrong-reason",
    another_wins: "wrong-winner",
    another_leads_than_won: "wrong-reign",
    weight_lowered: "wrong-reign",
    paid_too_early: "wrong-reign",
    shares_changed: "wrong-weights",
    uid_of_somebody_else: "wrong-weights",
    shares_of_another_block: "wrong-weights",
    paid_to_somebody_else: "wrong-weights",
    history_of_reigns_rewritten: "ledger-differs",
    document_of_another_round: "another-round",
    document_with_another_number: "another-round",
    ledger_tells_another_winner: "ledger-differs",
    ledger_tells_another_verdict: "ledger-differs",
    ledger_tells_other_bytes: "ledger-differs",
    ledger_without_a_duel: "ledger-differs",
    ledger_without_a_reign: "ledger-differs",
    stage_left_out: "wrong-stage",
    duel_told_twice: "wrong-stage",
    match_decided_before_it_began: "wrong-stage",
    published_before_it_finished: "wrong-stage",
    announced_twice: "not-announced",
}
