"""The page on a submission's code: evidence with its place, by whom it was found, and nothing of it runs."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from audits.models import Audit, CheckRun, Finding, SourceCopy
from audits.source import archive, lineage, tree
from core import store
from tests.dashboard.made_round import NOW, Made, make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock_measured")]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
BODY = "\n".join(f"def f{n}(a, b):\n    return [a * {n} + x for x in range(b) if x % {n + 2}]\n" for n in range(9))


def keep(submission, files):
    packed = archive.pack([archive.File(path=path, content=text.encode()) for path, text in files.items()])
    prints = lineage.fingerprint(tree.of_files(archive.unpack(packed))).to_json()
    return SourceCopy.objects.create(
        repo=submission.repo,
        commit=submission.commit,
        origin="https://git.example.org/a/b.git",
        files=len(files),
        size=len(packed),
        archive=store.default().put(packed),
        fetched_at=NOW,
        fingerprint=store.default().put(json.dumps(prints).encode()),
    )


@pytest.fixture
def made(settings, tmp_path) -> Made:
    settings.STORE_DIR = tmp_path / "store"
    found = make()
    audit = Audit.objects.filter(kind="source", round__number=1).first()
    keep(audit.submission, {"serve.py": BODY + f"\nexec('''{HOSTILE}''')\n"})
    leader = audit.round.submissions.get(role="leader")
    keep(leader, {"main.py": BODY})
    Finding.objects.create(
        audit=audit,
        check_name="hidden",
        tool="gauntlet",
        tool_version="1",
        severity="person",
        line=28,
        rule="code_at_run_time",
        file="serve.py",
        excerpt=HOSTILE,
        sentence=f"It runs {HOSTILE}.",
    )
    CheckRun.objects.create(
        audit=audit, check_name="hidden", tool="gauntlet", tool_version="1", ruleset="r" * 64, outcome="done"
    )
    found.audit = audit
    return found


def url_of(made: Made, **query: str) -> str:
    return reverse("source-audit", args=["made", 1, made.audit.submission.miner.hotkey])


def test_the_page_shows_findings_with_their_code_and_who_found_them(client: Client, made: Made) -> None:
    text = client.get(url_of(made)).content.decode()
    assert "serve.py:28" in text
    assert "28 > exec(" in text
    assert "hidden, by gauntlet 1" in text
    assert "What it shares with other entries" in text


def test_code_is_shown_as_text(client: Client, made: Made) -> None:
    text = client.get(url_of(made)).content.decode()
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_shared_file_is_shown_as_a_diff_and_no_other_file_is(client: Client, made: Made) -> None:
    (kin,) = client.get(url_of(made).rstrip("/") + ".json").json()["kin"]
    diff = client.get(kin["files"][0]["diff_url"].partition("#")[0]).content.decode()
    assert "--- main.py" in diff
    assert "+exec(" in diff
    other = client.get(url_of(made), {"with": kin["entry"], "path": "LICENSE", "their": "../../etc/passwd"})
    assert "against" not in other.content.decode().partition('id="kin-title"')[2].partition("</section>")[0]


def test_the_audits_page_leads_there_and_an_entry_without_audit_has_none(client: Client, made: Made) -> None:
    audit = client.get(reverse("audit", args=["made", 1, made.audit.submission.miner.hotkey])).content.decode()
    assert url_of(made) in audit
    assert client.get(reverse("source-audit", args=["made", 1, made.miners[3].hotkey])).status_code == 404


def test_the_page_asks_the_database_the_same_number_of_times_however_much_is_found(
    client: Client, made: Made, django_assert_max_num_queries
) -> None:
    for number in range(40):
        Finding.objects.create(
            audit=made.audit, severity="notice", rule=f"r{number}", file="serve.py", line=1, sentence="x"
        )
    with django_assert_max_num_queries(40):
        client.get(url_of(made))


def test_functions_that_are_shared_are_counted_and_not_those_that_are_listed(client: Client, made: Made) -> None:
    """34 are the same however few of them the page has room for, and the finding says the same number."""
    many = "\n".join(f"def g{n}(a, b):\n    return [a * {n} + x for x in range(b) if x % {n + 2}]\n" for n in range(34))
    SourceCopy.objects.all().delete()
    keep(made.audit.submission, {"serve.py": many})
    keep(made.audit.round.submissions.get(role="leader"), {"main.py": many})
    (kin,) = client.get(url_of(made).rstrip("/") + ".json").json()["kin"]
    assert (kin["functions_shared"], len(kin["functions"])) == (34, 20)
    text = client.get(url_of(made)).content.decode()
    assert "34 functions the same" in text
    assert "20 of 34 functions are listed" in text
