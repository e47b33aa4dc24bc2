"""Which kinds of events may a ledger hold?"""

from __future__ import annotations

from collections.abc import Mapping

from django.apps import apps

from core.machine.stateful import Stateful

# What is written beside the moves of rows.
OTHERS: Mapping[str, str] = {
    "appeal.lodged": "a miner objects to a verdict",
    "bankroll": "a title match has changed what two miners have",
    "chain.weights": "weights were sent to the chain, with its answer",
    "correction.staged": "a reviewer asks for a correction",
    "pool": "prompts were added to the pool, by their hashes",
    "reign": "a leader, with its weight and the block it is paid from",
    "reveal": "a reveal that was taken from the chain or the API",
    "review.due": "a review waits for a person",
    "round.open": "a round has opened, with its schedule",
    "ruling.proposed": "a reviewer proposes a ruling",
    "submission": "an entry, as the reveals of a window add up to it",
    "weights": "the vector of weights that is in force",
}


def of_moves() -> dict[str, tuple[str, ...]]:
    """Kind of row -> the states it may move to: each move is an event `row.state`."""
    graphs = {
        str(model._meta.model_name): model.graph
        for model in apps.get_models()
        if issubclass(model, Stateful) and model.in_ledger
    }
    return {
        name: tuple(sorted({target for state in graph.states.values() for target in state.to}))
        for name, graph in sorted(graphs.items())
    }
