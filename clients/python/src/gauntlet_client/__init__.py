"""A client for the API of Gauntlet: `Client`, `AsyncClient`, and the command `gauntlet`."""

from gauntlet_client import calls
from gauntlet_client.client import AsyncClient, Client
from gauntlet_client.errors import Refused, Trouble, Unreachable, Unusable
from gauntlet_client.keys import Key
from gauntlet_client.version import __version__

__all__ = ["AsyncClient", "Client", "Key", "Refused", "Trouble", "Unreachable", "Unusable", "__version__", "calls"]
