"""What a visitor chooses behind the question mark is one of the values there are, or is refused in plain words."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from dashboard.pages.answers import twin_url
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import html, match_url

pytestmark = pytest.mark.django_db
CHOICES = {
    "sort": ("prompt-gallery", "decisive, discrimination, least or name"),
    "outcome": ("audits", "gathering, reviewing, rejected, passed or dropped"),
    "round": ("prompt-gallery", "a whole number of at most nine digits"),
    "before": ("charts", "a whole number of at most nine digits"),
}


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_that_is_none_is_named_with_what_may_be_written(client: Client, made: Made, name: str) -> None:
    page, allowed = CHOICES[name]
    url = reverse(page, args=["made"])
    sentence = f"{name} is none of what it can be here: write {allowed}, or leave {name} out."
    refused = client.get(twin_url(f"{url}?{name}=nonsense"))
    assert (refused.status_code, refused.json()) == (400, {"detail": sentence})
    sheet = client.get(f"{url.rstrip('/')}.csv?{name}=nonsense")
    assert (sheet.status_code, sheet.content.decode()) == (400, f"{sentence}\n")
    assert sentence not in html(client, url)
    text = html(client, f"{url}?{name}=%3Cnonsense%3E")
    assert sentence in text and "nonsense" not in text.partition("</main>")[0]


def test_what_only_arranges_a_page_is_refused_there_too(client: Client, made: Made) -> None:
    for url, name in ((reverse("round", args=["made", 1]), "order"), (match_url(made), "show")):
        assert f"{name} is none of what it can be here" in html(client, f"{url}?{name}=nonsense")
    two = html(client, f"{reverse('audits', args=['made'])}?outcome=x&page=1")
    assert two.count('role="status"') == 1


def test_a_page_with_a_refused_choice_is_not_cached(client: Client, made: Made) -> None:
    url = reverse("audits", args=["made"])
    html(client, f"{url}?outcome=nonsense")
    assert "outcome is none of" in html(client, f"{url}?outcome=nonsense")


def test_a_chart_s_data_name_the_wrong_choice_as_json(client: Client, made: Made) -> None:
    url = f"{reverse('chart', args=['made', 'margins'])}?before=nonsense"
    answer = client.get(url)
    assert answer.status_code == 400 and answer.json()["detail"].startswith("before is none of what it can be")
