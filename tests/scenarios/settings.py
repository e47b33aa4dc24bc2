"""How is a play of the scenarios set up?  As any deployment, but with faults at its edges where it is told so."""

from competition.settings import *  # noqa: F403
from competition.settings import EMBEDDED_POSTGRES_OPTIONS, INSTALLED_APPS

INSTALLED_APPS = ["tests.scenarios.faults", *INSTALLED_APPS]
EMBEDDED_POSTGRES_OPTIONS += ["fsync=off"]  # a killed server loses nothing by that, only a machine without power
