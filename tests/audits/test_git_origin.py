"""A git host and its repositories are strangers: what they can do to the fetch, and what it makes of it."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from audits.decisions import fetching
from audits.source import archive, scanning
from audits.source.origins.base import NotFetched
from audits.source.origins.git import FETCHING, LOOKING, problem_with
from audits.source.origins.git import GitHost as Origin
from tests.audits import hostile_checks
from tests.audits.git_host import GitHost, Made


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHost]:
    with GitHost(tmp_path_factory.mktemp("git")) as made:
        yield made


@pytest.fixture
def made(host, request) -> Made:
    return host.repository(f"miner/{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}")


def fetch(host, made, commit, **more):
    return Origin(host.url, **more).fetch(f"miner/{made.folder.stem}", commit)


def rules(fetched):
    return {finding.rule: finding.severity for finding in fetched.left_out}


def test_only_the_asked_commit_is_archived_and_twice_gives_the_same_bytes(host, made):
    first = made.push({"a.py": "1", "deep/er/b.py": "2"})
    made.push({"a.py": "changed"}, parent=first)
    got, again = fetch(host, made, first), fetch(host, made, first)
    assert {file.path: file.content for file in got.files} == {"a.py": b"1", "deep/er/b.py": b"2"}
    assert archive.pack(got.files) == archive.pack(reversed(again.files))
    assert rules(got) == {}


def test_a_commit_that_was_pushed_over_is_a_finding(host, made):
    old = made.push({"a.py": "1"})
    made.push({"a.py": "2"})  # a new root: the branch no longer leads to `old`
    assert rules(fetch(host, made, old)) == {"commit_off_branches": "person"}


def test_a_commit_that_is_not_there_is_about_the_miner_and_to_be_looked_at_again(host, made):
    made.push({"a.py": "1"})
    with pytest.raises(NotFetched) as caught:
        fetch(host, made, "f" * 40)
    assert (caught.value.failure_class, caught.value.code, caught.value.looks) == ("miner", "commit_missing", 3)


def test_a_blob_or_a_tree_is_no_commit(host, made):
    made.push({"a.py": "1"})
    for sha in (made.blob(b"1"), made.tree({"a.py": "1"})):
        with pytest.raises(NotFetched) as caught:
            fetch(host, made, sha)
        assert caught.value.failure_class == "miner"


@pytest.mark.parametrize("code", [429, 500, 502, 503])
def test_a_host_with_a_problem_is_nobodys_fault_but_ours(host, made, code):
    commit = made.push({"a.py": "1"})
    host.answers = [code] * 3
    with pytest.raises(NotFetched) as caught:
        fetch(host, made, commit)
    host.answers = []
    assert (caught.value.failure_class, caught.value.finding) == ("infrastructure", None)


def test_links_submodules_and_odd_names_are_left_out_and_said(host, made):
    blob, target = made.blob(b"x"), made.blob(b"/etc/passwd")
    inner = made.raw_tree([("100644", b"config", blob)])
    tree = made.raw_tree(
        [
            ("40000", b".GIT", inner),
            ("100644", b"..", blob),
            ("100644", b"a\\b", blob),
            ("100644", b"ok.py", blob),
            ("120000", b"link", target),
            ("160000", b"module", "a" * 40),
            ("100644", b"nul.txt", blob),
            ("100644", "\u202eexe.py".encode(), blob),
        ]
    )
    got = fetch(host, made, made.commit(tree))
    assert [file.path for file in got.files] == ["ok.py"]
    assert rules(got) == {"odd_path": "blocking", "not_a_file": "blocking", "submodule": "person"}


def test_a_tree_that_holds_itself_a_million_times_costs_a_list_and_no_more(host, made):
    inner = made.raw_tree([("100644", b"f%02d" % n, made.blob(b"x")) for n in range(32)])
    for _ in range(3):
        inner = made.raw_tree([("40000", b"d%02d" % n, inner) for n in range(32)])
    got = fetch(host, made, made.commit(inner))
    assert len(got.files) <= archive.MOST_FILES
    assert rules(got)["too_many_files"] == "blocking"


def test_a_small_pack_with_huge_files_is_listed_and_not_inflated(host, made):
    zeros = made.blob(bytes(40 << 20))
    entries = [("100644", b"z%d" % n, zeros) for n in range(8)] + [("100644", b"zz.py", made.blob(b"ok"))]
    got = fetch(host, made, made.commit(made.raw_tree(entries)))
    assert [file.path for file in got.files] == ["zz.py"]
    assert rules(got) == {"not_archived": "person"}


def test_a_pack_larger_than_allowed_is_a_finding_and_fills_no_disk(host, made):
    commit = made.push({"noise": os.urandom(3 << 20)})
    with pytest.raises(NotFetched) as caught:
        fetch(host, made, commit, fetching=replace(FETCHING, file_bytes=1 << 20))
    assert (caught.value.failure_class, caught.value.code) == ("miner", "repository_too_large")


def test_a_fetch_that_hangs_is_ended_and_is_ours(host, made, tmp_path):
    commit = made.push({"a.py": "1"})
    with pytest.raises(NotFetched) as caught:
        fetch(host, made, commit, fetching=replace(FETCHING, wall_seconds=0.01), looking=LOOKING)
    assert caught.value.failure_class == "infrastructure"


def test_hooks_filters_attributes_and_includes_of_a_repository_do_nothing(host, made, tmp_path):
    trap = tmp_path / "sprung"
    for hook in ("post-checkout", "reference-transaction", "post-merge"):
        script = made.folder / "hooks" / hook
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!/bin/sh\ntouch {trap}\n")
        script.chmod(0o755)
    commit = made.push(
        {
            ".gitattributes": "*.py filter=evil diff=evil export-subst\nsecret.py export-ignore\n",
            ".gitconfig": f'[filter "evil"]\n\tsmudge = touch {trap}\n[include]\n\tpath = /etc/passwd\n',
            ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch {trap}"\n',
            "secret.py": "$Format:%H$\n",
        }
    )
    trap.unlink(missing_ok=True)
    got = fetch(host, made, commit)
    assert {file.path: file.content for file in got.files}["secret.py"] == b"$Format:%H$\n"
    assert not trap.exists()


@pytest.mark.parametrize("repo", ["../../etc", "a/b/c", "a/..", "-o/x", "a/b;id", "a/b\n", "ext::sh -c id/x", "a", ""])
def test_a_name_that_is_no_repository_reaches_no_host(host, repo):
    before = len(host.asked)
    with pytest.raises(NotFetched) as caught:
        Origin(host.url).fetch(repo, "a" * 40)
    assert caught.value.failure_class == "miner"
    assert len(host.asked) == before


@pytest.mark.parametrize(
    ("base", "fine"),
    [
        ("https://github.com", True),
        ("https://git.example.org/mirror", True),
        ("http://github.com", False),
        ("http://127.0.0.1:3000", True),
        ("file:///srv", False),
        ("ssh://git@github.com", False),
        ("github.com", False),
        ("https://user:word@github.com", False),
        ("https://github.com?x=1", False),
        ("ext::sh", False),
        ("", False),
    ],
)
def test_a_code_host_is_https_or_this_machine(base, fine):
    assert (problem_with(base, demo=True) is None) is fine


def test_outside_of_a_demo_not_even_this_machine_answers_in_the_clear():
    assert problem_with("http://127.0.0.1:3000", demo=False)


@pytest.mark.parametrize(
    ("complaint", "means"),
    [
        ("fatal: remote error: upload-pack: not our ref 1234", "commit_missing"),
        ("remote: Repository not found.\nfatal: repository 'https://x/a/b.git/' not found", "repository_missing"),
        ("fatal: could not read Username for 'https://x': terminal prompts disabled", "repository_missing"),
        ("The requested URL returned error: 404", "repository_missing"),
        ("unable to update url base from redirection", "repository_moved"),
        ("The requested URL returned error: 503", "trouble"),
        ("The requested URL returned error: 429", "trouble"),
        ("Could not resolve host: github.com", "trouble"),
        ("server certificate verification failed", "trouble"),
        ("fatal: early EOF\nnot our ref", "trouble"),
        ("", "trouble"),
        ("something nobody has seen yet", "trouble"),
    ],
)
def test_only_plain_words_of_a_host_are_about_the_miner(complaint, means):
    assert fetching.meaning(complaint) == means


@pytest.mark.parametrize("name", ["ssl-3d", "certificate", "temporarily", "error-5", "gnutls"])
def test_the_words_in_a_repository_s_name_make_no_outage(name):
    missing = f"remote: me/{name} not found\nfatal: repository 'https://github.com/Me/{name}.git/' not found"
    gone = f"fatal: unable to access 'https://github.com/me/{name}.git/': The requested URL returned error: 404"
    disabled = f"remote: Access to this repository has been disabled by staff of me/{name}."
    for complaint in (missing, gone, disabled):
        assert fetching.meaning(complaint, repo=f"me/{name}") == "repository_missing"
    assert fetching.meaning(f"{gone}; SSL handshake failed", repo=f"me/{name}") == "trouble"


# seconds of processor and of wall time: only the way that is meant runs into one; a clean tree is checked in time
ON_HOSTILE = {"hang": (1, 60.0), "sleep": (60, 2.0)}
EVERYWHERE = {"hang": (1, 60.0), "sleep": (60, 0.3)}


def scanned_by(way: str, tmp_path: Path) -> scanning.Scanned:
    path = tmp_path / "archive"
    path.write_bytes(archive.pack([archive.File(path="a.py", content=hostile_checks.HOSTILE)]))
    ways = ON_HOSTILE if way.startswith(hostile_checks.ON_HOSTILE) else EVERYWHERE
    cpu, wall = ways.get(way.removeprefix(hostile_checks.ON_HOSTILE), (60, 60.0))
    limits = replace(scanning.LIMITS, cpu_seconds=cpu, wall_seconds=wall, memory=1 << 30)
    return scanning.scan("pins", path, commit=way, limits=limits, work="tests.audits.hostile_checks:work")


@pytest.mark.parametrize("way", hostile_checks.WAYS)
def test_a_check_that_fails_on_a_tree_and_not_on_a_clean_one_is_given_to_a_person(tmp_path, way):
    scanned = scanned_by(f"{hostile_checks.ON_HOSTILE}{way}", tmp_path)
    assert scanned.outcome == "exhausted" and scanned.why
    assert [(f.rule, f.severity) for f in scanned.findings] == [("check_exhausted", "person")]


@pytest.mark.parametrize("way", hostile_checks.WAYS)
def test_a_check_that_fails_on_a_clean_tree_too_is_ours_and_finds_nothing(tmp_path, way):
    scanned = scanned_by(way, tmp_path)
    assert (scanned.outcome, scanned.findings) == ("broken", ())
    assert "clean tree of ours" in scanned.why


def test_a_repository_made_against_the_parsers_is_checked_or_given_to_a_person(tmp_path):
    deep = "x = " + "(" * 5000 + ")" * 5000
    chain = "x = " + "+".join(["'a'"] * 30_000)
    regex = 'token = "' + "a" * 4000 + "\n" + "secret: " * 3000
    files = {
        "deep.py": deep,
        "chain.py": chain,
        "minus.py": "x = " + "-" * 20_000 + "1",
        "secrets.txt": regex * 20,
        "pyproject.toml": "a." * 5000 + "b = 1",
        "Pipfile.lock": "[" * 100_000,
        "uv.lock": "x = " + "{a=" * 3000,
        "requirements.txt": "a" * 4000 + "==1\n" + "-r requirements.txt\n" * 3000,
        "Dockerfile": "RUN pip install " + "a" * 100_000 + "\n" + "FROM x\n" * 5000,
        "setup.cfg": "[options]\ninstall_requires =\n" + " a\n" * 3000,
        ".gitattributes": "* filter=x\n" * 5000,
    }
    path = tmp_path / "archive"
    path.write_bytes(archive.pack(archive.File(path=name, content=text.encode()) for name, text in files.items()))
    for name in scanning.CHECKS:
        scanned = scanning.scan(name, path, commit="0" * 40)
        assert scanned.outcome in ("done", "exhausted"), (name, scanned.why)
        assert len(scanned.findings) <= 301
