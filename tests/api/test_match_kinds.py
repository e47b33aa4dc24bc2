"""A match that is listed can be asked for: kinds are those of the model, with the numbers of further regenerations."""

from __future__ import annotations

import pytest
from django.test import Client

from competition.decisions.attempts import numbered
from competition.models import Asset
from judging.models import Duel, Match
from tests.api.contract import get
from tests.api.recording import V1
from tests.dashboard.made_round import Made

KINDS = [numbered(kind.value, n) for kind in Match.Kind for n in ((0, 1, 12) if kind.of_audit else (0,))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_match_of_each_kind_has_an_address_its_duels_and_a_filter(client: Client, made: Made, kind: str) -> None:
    match = made.finished.matches.filter(kind="screen", state="decided").order_by("pk")[0]
    Duel.objects.exclude(match=match).delete()
    Match.objects.exclude(pk=match.pk).delete()
    Match.objects.filter(pk=match.pk).update(kind=kind)
    (row,) = get(client, f"{V1}/matches?competition=made&kind={kind}")["results"]
    assert [row] == get(client, f"{V1}/matches?competition=made")["results"] and row["kind"] == kind
    at = f"{V1}/competitions/made/rounds/1/matches/{kind}/leader/{match.challenger.key}"
    assert get(client, at) == row and row["id"].split("/")[2] == kind
    duels = get(client, f"{at}/duels")["results"]
    assert len(duels) == match.duels.count() > 0
    assert get(client, f"{V1}/duels?competition=made&kind={kind}")["results"][0] in duels
    assert get(client, f"{at}/duels/{duels[0]['prompt']}") == duels[0]


@pytest.mark.parametrize("origin", ["submitted", "generated", "generated_1"])
def test_a_file_of_each_origin_has_a_filter(client: Client, made: Made, origin: str) -> None:
    Asset.objects.exclude(origin="submitted").delete()
    Asset.objects.filter(submission__round=made.finished).update(origin=origin)
    rows = get(client, f"{V1}/assets?competition=made&round=1&origin={origin}&limit=5")["results"]
    assert rows and {row["origin"] for row in rows} == {origin}


@pytest.mark.parametrize("kind", ["audit_0", "audit_", "screen_1", "again_x", "again_01", "auditing"])
def test_a_kind_that_no_match_can_have_is_refused_with_those_there_are(client: Client, made: Made, kind: str) -> None:
    refused = get(client, f"{V1}/matches?kind={kind}", status=400)
    assert all(each in str(refused) for each in Match.Kind.values)
