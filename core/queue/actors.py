"""How is a worker told to look at a row?  One actor per kind of work; a message carries a model's label and an id.

A message is a hint.  What it asks for is derived again from the row, so losing, doubling or delaying it is harmless.
"""

from __future__ import annotations

import logging

import dramatiq
from django.db import close_old_connections

from core import clock
from core.machine import engine
from core.queue.broker import get_broker

log = logging.getLogger(__name__)

QUEUES = ("io", "cpu", "judge", "pods", "letters")

dramatiq.set_broker(get_broker())


def look(label: str, pk: int) -> None:
    """Look at this row; or leave it to a worker whose clock is right."""
    close_old_connections()
    try:
        if clock.may_act():
            engine.advance(label, pk, now=clock.now())
        else:
            engine.unkick(label, pk)
    finally:
        close_old_connections()


# No retries by the broker: the row itself knows when it is due again.
ACTORS: dict[str, dramatiq.Actor[[str, int], None]] = {
    queue: dramatiq.actor(actor_name=f"look_{queue}", queue_name=queue, max_retries=0, time_limit=3_600_000)(look)
    for queue in QUEUES
}


def send(label: str, pk: int, *, queue: str) -> None:
    """Tell a worker of the kind `queue`.  A broker that is away loses nothing: the reconciler sends it again."""
    try:
        ACTORS[queue].send(label, pk)
    except Exception:
        log.warning("could not send a message about %s %s; the reconciler will", label, pk, exc_info=True)
