"""Is what the verifier writes, and the client signs, a report that the platform takes?"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from gauntlet_client import calls
from gauntlet_client.cli import main
from gauntlet_client.keys import Key

from dashboard.opinions import posting
from dashboard.opinions.reports import malformed, problems
from tests.judging.vlm_stage import served
from tests.verify import model_bundle
from tests.verify.model_bundle import EYES
from verify.second_opinion.command import Choices, second_opinion


@pytest.mark.parametrize("sample", [None, 12])
def test_what_the_verifier_writes_and_the_client_signs_is_taken(tmp_path: Path, sample: int | None) -> None:
    """Its winner is named as a test names miners; a real one is a hotkey."""
    bundle = model_bundle.judged(tmp_path)
    winner, key = bundle.documents["decision.json"]["winner"], Key.from_secret("//asker")
    with served(model_bundle.Mind(**EYES)) as (_, url):
        report = tmp_path / "report.json"
        answers = tmp_path / "answers.jsonl"
        assert second_opinion(bundle, Choices(url, yes=True, sample=sample, answers=answers, report=report)) == 0
    for name in ("judging.json", "matches.json", "decision.json", "statistics.json"):
        text = json.dumps(bundle.documents[name]).replace(f'"winner": "{winner}"', f'"winner": "{key.address}"')
        (bundle.folder / name).write_text(text)
    told = json.loads(report.read_text().replace(f'"{winner}"', f'"{key.address}"'))
    value = calls.opinion(told, key=key).send
    assert value is not None and malformed(value["document"]) is None
    assert list(problems(value["document"]["report"], posting.read_bundle(bundle.folder))) == []
    assert posting.signed(value["document"], signature=value["signature"])
    assert len(json.dumps(value)) < 16_384


def test_the_command_signs_a_report_posts_it_and_says_whose_key_it_was(tmp_path: Path) -> None:
    posted: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            content = json.dumps({"round": 6, "registered": False, "same": 22, "of": 24}).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words: object) -> None:
            pass

    key, report = tmp_path / "key", tmp_path / "report.json"
    key.write_text("//asker")
    report.write_text(json.dumps({"format": "gauntlet-second-opinion/1", "by_match": [{"result": "stands"}]}))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        words = ["opinion", str(report), "--key-file", str(key), "--server", f"http://127.0.0.1:{server.server_port}"]
        result = CliRunner().invoke(main, words)
        server.shutdown()
    assert result.exit_code == 0, result.output
    (path, body) = posted[0]
    value = json.loads(body)
    assert path == "/api/v1/opinions" and posting.signed(value["document"], signature=value["signature"])
    assert value["document"]["report"]["matches"] == {"stands": 1, "changes": 0, "not covered": 0}
    assert value["document"]["asker"] == Key.from_secret("//asker").address
    assert "not registered" in result.output and "22 of 24" in result.output


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"by_match": 3}', '{"by_match": [{}]}', '{"by_match": [], "x": NaN}']
)
def test_a_file_that_is_no_report_is_not_posted(tmp_path: Path, content: str) -> None:
    key, report = tmp_path / "key", tmp_path / "report.json"
    key.write_text("//asker")
    report.write_text(content)
    words = ["opinion", str(report), "--key-file", str(key), "--server", "http://127.0.0.1:9"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2 and "no report" in result.output
