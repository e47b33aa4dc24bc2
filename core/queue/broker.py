"""How does "look at this row" reach a worker?  Through PostgreSQL by default; a message is a hint that may be lost."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import dramatiq
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections, transaction
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import q_name
from dramatiq.middleware import Middleware, Retries, ShutdownNotifications, TimeLimit
from dramatiq_postgres import PostgresBroker, schema
from dramatiq_postgres.broker import QUERIES
from dramatiq_postgres.django.middleware import DbConnectionsMiddleware
from dramatiq_postgres.utils import make_pool, tidy4json
from psycopg.types.json import Json

NAMESPACE = uuid.UUID("6f0f6c39-8c1c-5a53-a2de-27a2f6f0d9b5")
# What Django adds for its own cursors, and the queue's plain ones must not get.
NOT_LIBPQ = ("cursor_factory", "context", "prepare_threshold")
# A message may be lost, so it need not wait for the disk (10 times as many a second); a transaction around it must.
UNSYNCED = "SET LOCAL synchronous_commit = off; "


@cache
def get_broker() -> dramatiq.Broker:
    """The broker BROKER_URL names. Nothing connects before the first message."""
    scheme = urlsplit(settings.BROKER_URL).scheme
    if scheme not in BROKERS:
        known = ", ".join(f"{name}://" for name in BROKERS if name)
        raise ImproperlyConfigured(f"BROKER_URL must be empty (PostgreSQL) or start with one of {known}")
    return BROKERS[scheme](settings.BROKER_URL)


def prepare(**_: Any) -> None:
    """Create the queue's tables where they are missing; called after each `migrate`."""
    if isinstance(get_broker(), RowQueue):
        with transaction.atomic(), connection.cursor() as cursor:
            schema.init(cursor)


class Pool:
    """The workers' own connections, opened by the first of them: importing an actor must not need a database."""

    def __init__(self) -> None:
        self._opening = threading.Lock()
        self._address: dict[str, Any] = {}
        self._pool: Any = None

    def _opened(self) -> Any:
        """A database that moved to another port, as the embedded one may, gets a new pool."""
        wanted = connections["default"].get_connection_params()
        address = {key: value for key, value in wanted.items() if key not in NOT_LIBPQ}
        with self._opening:
            if self._address != address:
                self.close()
                unsynced = f"{address.get('options', '')} -c synchronous_commit=off".strip()
                self._pool, self._address = make_pool(address | {"options": unsynced}), address
        return self._pool

    def getconn(self) -> Any:
        return self._opened().getconn()

    def putconn(self, conn: Any) -> None:
        try:
            self._pool.putconn(conn)
        except ValueError:  # of the pool before this one
            conn.close()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()


class RowQueue(PostgresBroker):
    """dramatiq-postgres with one message a row at most, so that a queue nobody reads stops growing."""

    def declare_queue(self, queue_name: str) -> None:
        """Without a queue for delayed messages: a row knows itself when it is due."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues[queue_name] = True
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        """Once, on Django's own connection: a sender never waits for a database that is away.

        A message for a row that is being worked on is queued again and handled afterwards.
        """
        message = message.copy(message_id=stable_id(message))
        self.emit_before("enqueue", message, delay)
        row = (q_name(message.queue_name), message.message_id, Json(tidy4json(message)), delay or 0)
        with connection.cursor() as cursor:
            statement = QUERIES.ENQUEUE if connection.in_atomic_block else UNSYNCED + QUERIES.ENQUEUE
            cursor.execute(statement, row)  # type: ignore[arg-type]  # psycopg takes its own Json, which Django's stubs leave out
        self.emit_after("enqueue", message, delay)
        return message


def stable_id(message: Any) -> str:
    """The same actor with the same arguments is the same message."""
    return str(uuid.uuid5(NAMESPACE, repr((message.actor_name, message.args, sorted(message.kwargs.items())))))


def middleware() -> list[Middleware]:
    """No retries: the row itself knows when it is due again."""
    return [TimeLimit(), ShutdownNotifications(), Retries(max_retries=0), DbConnectionsMiddleware()]


def through_postgres(_: str) -> dramatiq.Broker:
    return RowQueue(
        pool=Pool(),
        results=False,
        middleware=middleware(),
        heartbeat_interval=5,
        heartbeat_ttl=20,
        maintenance_interval=10,
        purge_maxage="1 hour",
    )


def through_redis(url: str) -> dramatiq.Broker:
    try:
        from dramatiq.brokers.redis import RedisBroker  # its client is installed where it is used only
    except ImportError as error:
        raise ImproperlyConfigured("BROKER_URL names Redis: pip install 'dramatiq[redis]'") from error
    return RedisBroker(url=url, middleware=middleware(), heartbeat_timeout=20_000, maintenance_chance=10_000)


def through_rabbitmq(url: str) -> dramatiq.Broker:
    try:
        from dramatiq.brokers.rabbitmq import RabbitmqBroker  # its client is installed where it is used only
    except ImportError as error:
        raise ImproperlyConfigured("BROKER_URL names RabbitMQ: pip install 'dramatiq[rabbitmq]'") from error
    return RabbitmqBroker(url=url, middleware=middleware(), confirm_delivery=True)


BROKERS: dict[str, Callable[[str], dramatiq.Broker]] = {
    "": through_postgres,
    "redis": through_redis,
    "rediss": through_redis,
    "amqp": through_rabbitmq,
    "amqps": through_rabbitmq,
    "stub": lambda _: StubBroker(middleware=middleware()),
}
