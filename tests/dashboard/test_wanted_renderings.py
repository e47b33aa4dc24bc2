"""Every stored file of a running round is drawn once per content, however much was drawn before."""

from __future__ import annotations

from typing import Any

from competition.models import Asset
from judging import steps
from judging.models import Rendering
from tests.dashboard.made_round import NOW, Made


def test_files_that_arrive_together_are_wanted_by_one_statement(made: Made, django_assert_max_num_queries: Any) -> None:
    there = Asset.objects.filter(submission__round=made.running, state="stored").values_list("sha256", flat=True)
    files = set(there)
    assert len(files) > 5
    Rendering.objects.filter(sha256__in=files).delete()
    with django_assert_max_num_queries(8):
        steps.want_renderings(NOW)
    assert set(Rendering.objects.filter(sha256__in=files).values_list("sha256", flat=True)) == files
    steps.want_renderings(NOW)
    assert Rendering.objects.filter(sha256__in=files).count() == len(files)
