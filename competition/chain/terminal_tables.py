"""How is the chain shown to a person at a terminal?  Tables of plain text, and nothing that asks or writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from competition.chain.node_quorum import ChainLook
from competition.decisions.weights import Subnet
from competition.weights import Plan


def table(rows: Iterable[Sequence[object]], *, head: Sequence[str]) -> list[str]:
    """Columns as wide as they need to be, numbers to the right."""
    grid = [list(map(str, head)), *(["" if cell is None else str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in grid) for column in range(len(head))]
    lines = []
    for row in grid:
        numbers = [cell.replace(".", "").replace(",", "").isdigit() for cell in row]
        cells = zip(row, widths, numbers, strict=True)
        lines.append("  ".join(cell.rjust(width) if number else cell.ljust(width) for cell, width, number in cells))
    return [lines[0].rstrip(), "  ".join("-" * width for width in widths), *(line.rstrip() for line in lines[1:])]


def endpoints(look: ChainLook) -> list[str]:
    best = max((sight.finalised for sight in look.sights if sight.answered), default=0)
    rows = [
        (
            s.endpoint,
            s.finalised if s.answered else "",
            best - s.finalised if s.answered else "",
            look.specs.get(s.endpoint),
            f"{look.seconds.get(s.endpoint, 0):.2f}",
            s.fault or "answers",
        )
        for s in look.sights
    ]
    return table(rows, head=("endpoint", "finalised", "behind", "runtime", "seconds", "state"))


def agreement(look: ChainLook) -> list[str]:
    if look.fault:
        return [f"NOT USABLE: {look.fault} ({look.code})"]
    block = look.blocks[0] if look.blocks else None
    lines = [f"block {block.number} {block.hash}, agreed on by {len(block.by)}"] if block else ["no block is usable"]
    return lines + [f"note: {remark}" for remark in look.remarks]


def wallet(address: str, subnet: Subnet) -> list[str]:
    limit = f"one setting in {subnet.rate_limit} blocks, the last at block {subnet.last_update or 'never'}"
    epoch = f"{subnet.tempo} blocks, the last began at block {subnet.epoch_start}"
    rows = [
        ("hotkey", address),
        ("uid", "not registered" if subnet.uid is None else subnet.uid),
        ("validator permit", "yes" if subnet.permit else "the subnet owner's own" if subnet.owns else "no"),
        ("epoch", epoch),
        ("rate limit", limit),
        ("weights are", "timelocked (commit-reveal)" if subnet.commit_reveal else "set in the clear"),
    ]
    return [f"{name:<18}{value}" for name, value in rows]


def difference(plan: Plan) -> list[str]:
    """Who would get what, against what the chain has."""
    names = dict(plan.chain.neurons.values_list("uid", "hotkey"))
    due = dict(plan.proof.vector) if plan.proof else {}
    had = shares(plan.subnet.weights)
    rows = [
        (uid, names.get(uid, "nobody"), percent(had.get(uid)), percent(due.get(uid)), plan.wanted.get(uid, 0))
        for uid in sorted({*due, *had})
    ]
    lines = table(rows, head=("uid", "hotkey", "on the chain", "due", "as u16"))
    leader = [f"leader {plan.proof.leader or 'none'}, block {plan.proof.block}"] if plan.proof else []
    return [*leader, *lines, f"{plan.action.do}: {plan.action.because}"]


def shares(weights: Mapping[int, int]) -> dict[int, Fraction]:
    total = sum(weights.values())
    return {uid: Fraction(value, total) for uid, value in weights.items()} if total else {}


def percent(share: Fraction | None) -> str:
    return "" if share is None else f"{float(share) * 100:.2f} %"
