"""How does Django reach the embedded PostgreSQL?  By starting it, if need be, before each connection."""

from collections.abc import Iterable
from typing import Any

from django.db.backends.postgresql import base, client

from core.postgres import server
from core.postgres.backend import roles


class DatabaseClient(client.DatabaseClient):
    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.get_connection_params()
        self.executable_name = str(server.program("psql"))
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        """The server's address is known only once it runs; a port that changed empties the pool of the old one."""
        address = server.cluster().ensure()
        if self.settings_dict["PORT"] not in ("", str(address.port)) and self.alias in self._connection_pools:  # type: ignore[attr-defined]  # Django has it, its stubs do not
            self.close_pool()
        self.settings_dict.update(address.settings(owner=self.settings_dict.get("ROLE") == roles.OWNER))
        return super().get_connection_params()
