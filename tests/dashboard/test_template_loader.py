"""A visitor's page carries no indentation of its template, and shows the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse

from dashboard.pages.template_loader import without_indentation
from tests.dashboard.made_round import Made
from tests.dashboard.test_pages import html


def test_indentation_goes_and_what_counts_its_spaces_stays() -> None:
    kept = "<pre>\n  a\n    b</pre>", "<textarea>\n  c\n</textarea>", '<script type="x">\n  d();\n</script>'
    source = f"<ul>\n  <li>\n\t  one  two\n  {kept[0]}\n  {kept[1]}\n{kept[2]}\n  </li>\n</ul>\n"
    assert without_indentation(source) == f"<ul>\n<li>\n one  two\n{kept[0]}\n{kept[1]}\n{kept[2]}\n</li>\n</ul>\n"


def test_line_numbers_stay_and_a_prefix_is_no_tag() -> None:
    source = "<preview>\n  a\n</preview>\n  {% if x %}\n    b\n  {% endif %}"
    assert without_indentation(source).count("\n") == source.count("\n")
    assert without_indentation("<prefix>\n  a") == "<prefix>\n a"


def test_only_html_is_changed() -> None:
    question = get_template("judging/vlm-1/system.txt").template
    assert question.source == Path(question.origin.name).read_text()
    assert "\n  " not in re.sub(r"(?s)<(pre|script)\b.*?</\1>", "", get_template("round.html").template.source)


@pytest.mark.django_db
def test_a_page_has_no_line_that_begins_with_spaces(client: Client, made: Made) -> None:
    text = html(client, reverse("round", args=["made", 1]))
    indented = re.findall(r"(?m)^(?:[ \t]{2,}|[ \t]<)\S.*$", re.sub(r"(?s)<(pre|script)\b.*?</\1>", "", text))
    assert not indented, indented[:3]
