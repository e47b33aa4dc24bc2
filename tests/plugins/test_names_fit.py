"""Whatever a plug-in is called, its name fits the columns that hold it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from django.db import connection, models

from audits.models import Build, CheckRun, Finding, PodRun
from audits.pods.runs import PROVIDERS
from audits.source import CHECKS
from competition.chain import CHAINS
from competition.decisions.attempts import numbered
from competition.models import Competition, Round
from competition.notices.channels import CHANNELS
from competition.notices.models import Subscription
from competition.rulesets import RULESETS
from dashboard.models import WinnerCopy
from formats.registry import FORMATS
from judging.backends import JUDGES
from judging.models import Match, Rendering

Column = tuple[type[models.Model], str]

LONGEST = 40
ARGUMENT = 50  # what follows a colon, as the slug of a competition does
NAMES: Mapping[str, tuple[Iterable[str], tuple[Column, ...]]] = {
    "ruleset": (RULESETS, ((Competition, "ruleset"), (Round, "ruleset"))),
    "pod provider": (PROVIDERS, ((Competition, "pods"), (PodRun, "provider"), (Build, "builder"))),
    "source check": (CHECKS, ((CheckRun, "check_name"), (Finding, "check_name"))),
    "notice channel": (CHANNELS, ((Subscription, "channel"),)),
    "target of a format": ({t for row in FORMATS.values() for t in row.targets}, ((WinnerCopy, "target"),)),
    "renderer": (
        {each for row in FORMATS.values() for each in row.renderers},
        ((Competition, "renderer"), (Rendering, "renderer")),
    ),
    "kind of match": (
        {numbered(kind.value, n) for kind in Match.Kind for n in (0, 10**6)},
        ((Match, "kind"),),
    ),
}
WITH_ARGUMENT: Mapping[str, tuple[Iterable[str], tuple[Column, ...]]] = {
    "judge": (JUDGES, ((Competition, "judge"), (Match, "judge_name"))),
    "chain": (CHAINS, ((Competition, "chain"),)),
}


def width(column: Column) -> int:
    """How many letters PostgreSQL takes there, after all migrations."""
    model, name = column
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT character_maximum_length FROM information_schema.columns "
            "WHERE table_name = %s AND column_name = %s",
            [model._meta.db_table, model._meta.get_field(name).column],
        )
        (found,) = cursor.fetchone()
    return int(found)


@pytest.mark.django_db
@pytest.mark.parametrize("what", [*NAMES, *WITH_ARGUMENT])
def test_every_name_of_a_plug_in_and_one_of_forty_letters_fit_their_columns(what: str) -> None:
    argument = 1 + ARGUMENT if what in WITH_ARGUMENT else 0
    names, columns = {**NAMES, **WITH_ARGUMENT}[what]
    longest = max(LONGEST, *(len(name) for name in names)) + argument
    for column in columns:
        assert width(column) >= longest, f"{column[0].__name__}.{column[1]} holds no {what} of {longest} letters"
