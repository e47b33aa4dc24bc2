"""Do messages reach a worker, once a row, and do old ones go away?  On the test run's own PostgreSQL."""

import threading
from collections.abc import Iterator

import dramatiq
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, transaction
from dramatiq import Worker
from dramatiq.brokers.stub import StubBroker
from dramatiq_postgres import schema

from core.queue import broker
from core.queue.broker import RowQueue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queue() -> Iterator[RowQueue]:
    with transaction.atomic(), connection.cursor() as cursor:
        schema.init(cursor)
        cursor.execute("TRUNCATE dramatiq.queue")
    queue = broker.through_postgres("")
    yield queue
    queue.close()
    queue.pool.close()


def waiting(state: str = "queued") -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM dramatiq.queue WHERE state = %s", [state])
        return cursor.fetchone()[0]


def actor(queue: RowQueue, function: object) -> dramatiq.Actor:
    return dramatiq.actor(function, broker=queue, queue_name="cpu", actor_name="look")


def test_a_row_has_one_message_however_often_it_is_announced(queue: RowQueue) -> None:
    look = actor(queue, lambda label, pk: None)
    for _ in range(3):
        look.send("judging.duel", 7)
    look.send("judging.duel", 8)
    assert waiting() == 2


def test_a_message_sent_in_a_transaction_that_fails_was_never_sent(queue: RowQueue) -> None:
    look = actor(queue, lambda label, pk: None)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        look.send("judging.duel", 7)
        raise ZeroDivisionError
    assert waiting() == 0


def test_a_worker_gets_every_message_and_leaves_nothing_in_the_queue(queue: RowQueue) -> None:
    seen, done = [], threading.Event()

    def look(label: str, pk: int) -> None:
        seen.append((label, pk))
        if len(seen) == 20:
            done.set()

    sender = actor(queue, look)
    worker = Worker(queue, queues={"cpu"}, worker_threads=2)
    worker.start()
    for pk in range(20):
        sender.send("judging.duel", pk)
    assert done.wait(120)
    worker.stop(timeout=60_000)
    assert sorted(pk for _, pk in seen) == list(range(20))
    assert waiting() == waiting("consumed") == waiting("rejected") == 0


def test_a_row_announced_while_it_is_looked_at_is_looked_at_again(queue: RowQueue) -> None:
    looks, entered, announced, again = [], threading.Event(), threading.Event(), threading.Event()

    def look(label: str, pk: int) -> None:
        looks.append(pk)
        if len(looks) > 1:
            again.set()
            return
        entered.set()
        announced.wait(120)

    sender = actor(queue, look)
    sender.send("judging.duel", 7)
    worker = Worker(queue, queues={"cpu"}, worker_threads=1)
    worker.start()
    assert entered.wait(120)
    sender.send("judging.duel", 7)
    announced.set()
    assert again.wait(120)
    worker.stop(timeout=60_000)


def test_workers_follow_a_database_that_moved_to_another_port(queue: RowQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    first = queue.pool.getconn()
    here = connection.get_connection_params()
    monkeypatch.setattr(
        type(connections["default"]),
        "get_connection_params",
        lambda self: here | {"application_name": "at the new address"},
    )
    second = queue.pool.getconn()
    assert second.info.get_parameters()["application_name"] == "at the new address"
    queue.pool.putconn(first)
    assert first.closed
    queue.pool.putconn(second)


def test_failed_messages_are_not_retried_and_are_purged_within_the_hour(queue: RowQueue) -> None:
    failed = threading.Event()

    def look(label: str, pk: int) -> None:
        failed.set()
        raise ValueError("a step's own failures are rows, this is a bug")

    actor(queue, look).send("judging.duel", 7)
    worker = Worker(queue, queues={"cpu"}, worker_threads=1)
    worker.start()
    assert failed.wait(120)
    worker.stop(timeout=60_000)
    assert (waiting("queued"), waiting("rejected")) == (0, 1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dramatiq.queue SET mtime = mtime - interval '61 minutes'")
    with queue.pool.getconn() as held:
        broker.through_postgres("").maybe_maintenance(held)
    assert waiting("rejected") == 0


def test_tests_send_nothing() -> None:
    assert isinstance(broker.get_broker(), StubBroker)


def test_an_unknown_broker_is_refused_by_name(settings: object) -> None:
    settings.BROKER_URL = "kafka://example.org"  # type: ignore[attr-defined]
    with pytest.raises(ImproperlyConfigured, match="redis://"):
        broker.get_broker.__wrapped__()
