"""What a snapshot of advisories says of a version, and what it does not know."""

import json
import zipfile
from pathlib import Path

import pytest
from packaging.version import Version

from audits.source import source_audits, vulnerabilities
from audits.source.inventory import InventoryPart
from audits.source.vulnerabilities import BadSnapshot, affects, snapshot

BAD_REQUESTS = {
    "id": "GHSA-x84v-xcm2-53pg",
    "summary": "Insufficiently protected credentials",
    "modified": "2026-02-03T00:00:00Z",
    "database_specific": {"severity": "HIGH"},
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Requests"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.20.0"}]}],
        }
    ],
}


def advisory(*events, versions=(), severity="HIGH", **more):
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}]
    package = {"package": {"ecosystem": "PyPI", "name": "thing"}, "ranges": ranges, "versions": list(versions)}
    return {"id": "X-1", "affected": [package], "database_specific": {"severity": severity}, **more}


def made(folder: Path, *advisories) -> Path:
    path = folder / "all.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for number, one in enumerate(advisories):
            opened.writestr(f"A-{number}.json", json.dumps(one))
    return path


def part(name: str, version: str) -> InventoryPart:
    return InventoryPart(kind="pypi", name=name, version=version, file="requirements.txt")


@pytest.mark.parametrize(
    ("events", "versions", "inside", "outside"),
    [
        ([{"introduced": "0"}, {"fixed": "2.20.0"}], (), ["0.1", "2.19.9", "2.20.0rc1"], ["2.20.0", "3"]),
        ([{"introduced": "1.0"}, {"last_affected": "1.4"}], (), ["1.0", "1.4"], ["0.9", "1.4.1"]),
        (
            [{"introduced": "1"}, {"fixed": "1.5"}, {"introduced": "2"}, {"fixed": "2.5"}],
            (),
            ["1.2", "2.4"],
            ["1.7", "3"],
        ),
        ([{"introduced": "3"}], (), ["3", "99"], ["2.9"]),
        ([], ("1.0", "1.1.post1"), ["1.0", "1.0.0", "1.1.post1"], ["1.1"]),
    ],
)
def test_a_version_is_affected_by_the_rules_of_osv(events, versions, inside, outside):
    one = advisory(*events, versions=versions)
    assert all(affects(one, name="thing", version=Version(v)) for v in inside)
    assert not any(affects(one, name="thing", version=Version(v)) for v in outside)
    assert not affects(one, name="other", version=Version(inside[0]))


def test_a_vulnerable_version_needs_a_person_and_a_mended_one_does_not(tmp_path):
    known = snapshot(made(tmp_path, BAD_REQUESTS))
    (finding,) = vulnerabilities.check([part("requests", "2.19.0"), part("requests", "2.32.0")], known=known)
    assert (finding.severity, finding.rule) == ("person", "vulnerable")
    assert "GHSA-x84v-xcm2-53pg" in finding.sentence


def test_a_slight_one_is_to_be_known(tmp_path):
    known = snapshot(made(tmp_path, advisory({"introduced": "0"}, severity="LOW")))
    assert [f.severity for f in vulnerabilities.check([part("thing", "1")], known=known)] == ["notice"]


def test_what_is_not_exact_is_unknown_and_not_safe(tmp_path):
    known = snapshot(made(tmp_path, BAD_REQUESTS))
    (finding,) = vulnerabilities.check([part("requests", "")], known=known)
    assert finding.rule == "vulnerabilities_unknown"


def test_a_withdrawn_advisory_and_another_ecosystem_say_nothing(tmp_path):
    withdrawn = {**BAD_REQUESTS, "withdrawn": "2026-01-01T00:00:00Z"}
    other = json.loads(json.dumps(BAD_REQUESTS).replace("PyPI", "npm"))
    known = snapshot(made(tmp_path, withdrawn, other))
    assert list(vulnerabilities.check([part("requests", "2.19.0")], known=known)) == []


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip"])
def test_a_snapshot_that_cannot_be_read_is_ours_and_never_a_pass(tmp_path, content, settings):
    path = tmp_path / "all.zip"
    path.write_bytes(content)
    with pytest.raises(BadSnapshot):
        snapshot(path)
    settings.OSV_SNAPSHOT = str(path)
    with pytest.raises(source_audits.Broke):
        source_audits.advisories([part("requests", "2.19.0")])


def test_the_snapshots_date_is_the_version_of_what_was_known(tmp_path, settings):
    settings.OSV_SNAPSHOT = str(made(tmp_path, BAD_REQUESTS))
    scanned = source_audits.advisories([part("requests", "2.19.0")])
    assert (scanned.outcome, scanned.version, len(scanned.findings)) == ("done", "2026-02-03", 1)
