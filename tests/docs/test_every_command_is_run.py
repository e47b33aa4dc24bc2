"""Each command line that a document shows in a block is run by a test, or says here why none can run it."""

from __future__ import annotations

import ast
import re

from tests.docs.test_documents import NOW, ROOT, relative
from tests.docs.test_shown_commands import lines_of, verifications

# Program names at the beginning of a line, behind variables that it sets.
PROGRAMS = re.compile(
    r"(?:\w+=\S+ +)*(?:make|\S*python3?|manage\.py|gauntlet|\S*pip|curl|export|cp|sed|mkdir|vllm|apt-get|adduser|git"
    r"|install|sudo|systemctl|umask|cd|psql|docker|tar) |G=|GAUNTLET_\w+="
)
SHOWN, CLIENT = "tests/docs/test_shown_commands.py", "tests/scenarios/test_client.py"
BUNDLES = f"{SHOWN}::test_a_bundle_is_checked_as_the_page_shows"
RECORDS = f"{SHOWN}::test_records_are_checked_as_the_page_shows"
API = f"{SHOWN}::test_the_five_commands_of_the_api_s_page_answer"
WRITTEN = f"{SHOWN}::test_records_are_brought_in_and_written_as_the_page_shows"
KEY = f"{SHOWN}::test_an_operator_s_key_is_made_and_named_as_the_page_shows"
HEAD = f"{SHOWN}::test_a_signed_head_is_kept_as_the_page_shows"
ANCHORS = "tests/competition/chain/test_anchored.py::test_a_file_of_anchors_is_compared_one_by_one"
NODE = "tests/competition/chain/test_anchored.py::test_the_anchored_ledger_has_nothing_to_say"
WHEEL = f"{CLIENT}::test_it_brings_no_django_and_no_bittensor_client"
PLAYED = f"{SHOWN}::test_a_round_is_played_and_checked_as_the_pages_show"
ASKED = (
    "tests/verify/test_second_opinion_played.py::test_a_sample_is_what_the_seed_draws_and_says_what_it_does_not_cover"
)
ROOT_ONLY = "needs root and systemd, and changes the machine"

# (page, beginning of the line) -> the test that runs it.
RUN = {
    **{("docs/verify.md", line): BUNDLES for line in verifications("docs/verify.md")},
    **{("docs/records.md", line): RECORDS for line in verifications("docs/records.md")},
    ("docs/api/README.md", "G="): API,
    ("docs/api/README.md", "curl "): API,
    ("docs/records.md", "python manage.py import_records"): WRITTEN,
    ("docs/records.md", "python manage.py export_records"): WRITTEN,
    ("README.md", ".venv/bin/python -m verify var/play"): PLAYED,
    ("docs/performance.md", ".venv/bin/python manage.py play"): PLAYED,
    ("docs/performance.md", ".venv/bin/python -m benchmarks.demo_round"): (
        f"{SHOWN}::test_the_seconds_of_a_round_are_read_from_its_bundle_as_the_page_shows"
    ),
    ("docs/verify.md", "curl -s 'https://SITE/api/v1/checkpoints"): HEAD,
    ("docs/verify.md", "python -c 'import json; print"): HEAD,
    ("docs/verify.md", "mkdir fetched && tar"): (
        "tests/clients/test_download.py::test_the_documented_way_without_the_client_writes_nowhere_else"
    ),
    ("docs/verify.md", "gauntlet download"): f"{CLIENT}::test_a_bundle_is_downloaded_whole_and_verified",
    ("docs/verify.md", "python -m verify https://SITE/c/demo --checkpoint"): (
        "tests/verify/test_kept_checkpoints.py::test_an_old_head_is_held_against_the_ledger_that_a_site_serves"
    ),
    ("docs/verify.md", "python -m verify demo-1 --operator 5DFm…SPCTW --ask"): ASKED,
    ("docs/judge.md", "python -m verify demo-1 --ask"): ASKED,
    ("docs/verify.md", "gauntlet rejudge"): (
        "tests/clients/test_download.py::test_rejudge_fetches_a_bundle_once_verifies_it_and_says_what_there_is_to_ask"
    ),
    ("docs/verify.md", "gauntlet opinion"): (
        "tests/clients/test_opinion.py::test_the_command_signs_a_report_posts_it_and_says_whose_key_it_was"
    ),
    ("docs/verify.md", "python -m verify demo-1 --chain wss://NODE"): NODE,
    ("docs/verify.md", "python -m verify demo-1 --anchors"): ANCHORS,
    ("docs/chain.md", "python -m verify BUNDLE --chain"): NODE,
    ("docs/chain.md", "python -m verify BUNDLE --anchors"): ANCHORS,
    ("docs/chain.md", "manage.py new_competition"): (
        "tests/competition/test_founding.py::test_todays_game_is_founded_by_the_one_documented_command"
    ),
    ("docs/chain.md", "manage.py runchain"): (
        "tests/competition/chain/test_processes.py::test_a_second_process_ends_at_once_and_the_first_goes_on"
    ),
    ("deploy/README.md", "umask 077 && python3 -c"): KEY,
    ("deploy/README.md", ".venv/bin/python -c 'from bittensor_core"): KEY,
    ("clients/python/README.md", "pip wheel"): WHEEL,
    ("clients/python/README.md", "pip install"): WHEEL,
    ("clients/python/README.md", "gauntlet preflight"): (
        f"{CLIENT}::test_preflight_takes_the_leader_s_own_files_and_refuses_nonsense"
    ),
    ("docs/miners.md", "gauntlet preflight"): (
        f"{CLIENT}::test_preflight_takes_the_leader_s_own_files_and_refuses_nonsense"
    ),
    ("clients/python/README.md", "gauntlet standing"): f"{SHOWN}::test_a_miner_asks_as_the_client_s_page_shows",
    ("clients/python/README.md", "gauntlet why"): f"{SHOWN}::test_a_miner_asks_as_the_client_s_page_shows",
}
# (page, beginning of the line) -> why no test runs it.
NOT_RUN = {
    ("README.md", "make run"): "runs until Ctrl-C; the first clone of a release is set up by hand",
    ("README.md", "make test"): "would run this test inside itself",
    ("docs/performance.md", "python -m benchmarks.card"): "needs a GPU; test_card_alone.py runs its parts",
    ("docs/judge.md", "vllm serve"): "needs a GPU and the weights",
    ("docs/judge.md", "GAUNTLET_VLM_URL="): "needs a GPU host that serves the model",
    ("docs/judge.md", "export GAUNTLET_VLM_"): "settings of the lines below them",
    ("docs/judge.md", "make run JUDGE="): "needs the weights; test_run_judge.py and test_panel.py try its steps",
    ("docs/judge.md", ".venv/bin/pip install -r requirements-gpu.txt"): "installs torch: gigabytes",
    ("docs/chain.md", "GAUNTLET_"): "a setting, which the chain's tests set to nodes of their own",
    (
        "docs/verify.md",
        "curl -fsS --max-filesize",
    ): "needs a site whose round has a bundle; the client's tests download one",
    ("docs/verify.md", "cp -r var/play"): "needs a round that `play` has played: minutes",
    ("docs/verify.md", "sed -i"): "damages the copy of a played round; tests/verify tampers with made ones",
    ("docs/verify.md", "python -m verify round-1 --operator 5GjE…"): "the same, damaged",
    ("clients/python/README.md", "export GAUNTLET_SERVER="): "a setting, which each of the client's tests makes",
    **{
        ("deploy/README.md", program): ROOT_ONLY
        for program in ("apt-get ", "adduser ", "install ", "sudo ", "cp deploy/", "systemctl ")
    },
    ("deploy/README.md", "git clone"): "the address of the clone is the operator's",
    ("deploy/README.md", "python3 -m venv"): "`make run` and `make test` do the same",
    ("deploy/README.md", "cd /opt/gauntlet"): "needs an installation to upgrade",
    ("deploy/README.md", ".venv/bin/pip install"): "`make run` does the same",
    ("deploy/README.md", "curl -fsS http://127.0.0.1:8000/healthz"): "needs the service; tests/dashboard asks /healthz",
}


def commands() -> list[tuple[str, str]]:
    """(page, line) of each shell line in a block, without prompt and comment."""
    pages = [relative(page) for page in NOW]
    return [(page, line) for page in pages for line in lines_of(page) if PROGRAMS.match(f"{line} ")]


def rows_for(page: str, line: str) -> list[tuple[str, str]]:
    return [row for row in (*RUN, *NOT_RUN) if row[0] == page and line.startswith(row[1])]


def test_every_shown_command_is_run_or_says_why_not() -> None:
    shown = commands()
    unknown = [f"{page}: {line}" for page, line in shown if not rows_for(page, line)]
    used = {row for page, line in shown for row in rows_for(page, line)}
    assert not unknown, f"run it in a test and name that in RUN, or say in NOT_RUN why not: {unknown}"
    assert used == {*RUN, *NOT_RUN}, f"no document shows these any more: {sorted({*RUN, *NOT_RUN} - used)}"


def test_the_tests_that_run_shown_commands_are_there() -> None:
    for test in set(RUN.values()):
        path, _, name = test.partition("::")
        functions = [
            node.name for node in ast.parse((ROOT / path).read_text()).body if isinstance(node, ast.FunctionDef)
        ]
        assert name in functions, f"{test} is gone: which test runs these lines now?"
