"""What the tests of appeals and reviews share: a round with audited entries whose miners have real keys."""

from __future__ import annotations

from typing import Any

from audits.models import Audit, Finding
from audits.reviews.appeals import message, unsigned
from competition.models import Competition, Miner, Round, Submission
from tests.competition import made

NOW = made.after(3)


def entered(round_: Round, name: str, *, role: str = "challenger", **more: Any) -> Submission:
    miner, _ = Miner.objects.get_or_create(hotkey=made.key(name).ss58_address, defaults={"label": name})
    place = {} if role == "leader" else {"reveal_block": 6, "extrinsic_index": 0}
    return Submission.objects.create(
        round=round_, miner=miner, role=role, repo=f"demo/{name}", commit=name[0].lower() * 40, **place, **more
    )


def audit(submission: Submission, *, state: str, kind: str = "source", code: str = "licence", **more: Any) -> Audit:
    made_ = Audit.objects.create(
        round=submission.round,
        submission=submission,
        kind=kind,
        state=state,
        since=NOW,
        code=code,
        reason="LICENSE names the GPL.",
        numbers={"blocking": 1},
        limits={},
        **more,
    )
    Finding.objects.create(
        audit=made_, severity="person", rule="licence", file="LICENSE", line=1, sentence="LICENSE names the GPL."
    )
    return made_


def a_round(*, state: str = "finalizing", slug: str = "small") -> tuple[Competition, Round]:
    competition = made.competition(slug=slug)
    Round.objects.filter(competition=competition).update(state=state)
    return competition, made.first_round(competition)


def objection(audit_: Audit, *, by: str, **changed: Any) -> tuple[dict[str, Any], str]:
    """A good appeal by this miner, and its signature; `changed` before it is signed."""
    document = (
        unsigned(
            audit_,
            appellant=made.key(by).ss58_address,
            ground="licence",
            statement="The author has granted us a licence for this use; see the commit named here.",
        )
        | changed
    )
    return document, bytes(made.key(by).sign(message(document))).hex()
