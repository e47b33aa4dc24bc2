"""Each fact once: whatever address tells it, as page, twin, sheet, API row or printed by the client, it is the same.

A walk from the front page over every link of one round collects what is told of each match, by reading the answers as
a visitor gets them, and names each address that disagrees.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import Resolver404, URLPattern, resolve, reverse

from competition.models import Competition, Reign, Round
from dashboard import urls
from judging.models import Match
from tests.dashboard import made_round
from tests.dashboard.made_round import F, L, Made, W
from tests.verify import played_round

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "clients" / "python" / "src"))

pytestmark = pytest.mark.django_db
COUNTS = ("won", "drawn", "lost", "void", "forfeits_challenger", "forfeits_defender", "counted")
NUMBERS = (*COUNTS, "net", "margin", "win_margin", "limit", "reaches", "holds", "gap", "flip_distance", "sign_p")
NOUNS = r"duel|match|audit|prompt|finding|entry|miner|round|net duel|judged duel|function|file|block|time|forfeit|copy"
PLURALS = r"duels|matches|audits|prompts|findings|entries|miners|rounds|net duels|functions|files|blocks|times|copies"
Told = dict[tuple[str, str], dict[str, list[str]]]
TITLES = ("title", "title-json", "title-duel", "title-duel-json")
QUERIES = {
    "api-index": "",
    "api-competitions": "",
    "api-weights": "?competition={slug}",
}
SAMPLED = ("duel", "audit-duel", "title-duel", "prompt")  # one address a match, or one prompt: all are made alike
APART = {
    name: why
    for why, names in {
        "bytes under their hash, or pictures": "blob thumb live-frame live-script prompt-picture view-picture poster "
        "record-file",
        "the verifier recomputes every number of a bundle": "bundle bundle-file",
        "the reviewers' site": "reviews reviews-json sign-in sign-out letters correct case shadows shadows-json shadow "
        "shadow-json shadow-margins",
        "for the holder of a key": "api-own-standing api-own-diagnostics api-own-reveals api-own-appeals api-webhooks "
        "api-webhook api-webhook-resume api-webhook-deliveries api-webhook-replay",
        "signed when it happened; the verifier compares it with the round": "api-ledger-event",
        "of charts: names of drawings, whose values are in the page's JSON": "chart audit-chart rules-chart "
        "round-chart leaders-chart",
        "another's answer, of whichever round is the latest": "current-round current-prompts",
        "of no round": "healthz theme robots sitemap method method-json changelog changelog-json rules rules-json "
        "api-openapi api-docs api-nothing",
    }.items()
    for name in names.split()
}


def rows_of_the_url_table() -> dict[str, URLPattern]:
    return {row.name: row for row in urls.urlpatterns if isinstance(row, URLPattern)}


def addresses_of(slug: str) -> list[str]:
    """Every row of the URL table that is not set apart, filled with what each match of the competition names."""
    found: dict[str, None] = {}
    rows = Match.in_force.filter(round__competition__slug=slug, state="decided")
    for match in rows.select_related("round", "defender__miner", "challenger__miner"):
        hotkey, number = match.challenger.miner.hotkey, match.round.number
        duel = match.duels.select_related("prompt").order_by("position").first()
        filling = {
            "slug": slug,
            "competition": slug,
            "number": number,
            "kind": match.kind,
            "defender": match.defender.key,
            "challenger": hotkey,
            "hotkey": hotkey,
            "entry": hotkey,
            "stem": duel.prompt.stem if duel else "",
        }
        for name, row in rows_of_the_url_table().items():
            if name in APART or (name in TITLES and match.kind != "title"):
                continue
            needed = row.pattern.converters
            assert needed.keys() <= filling.keys(), f"{name}: walk this page, or say in APART why it tells no number"
            query = "" if needed or not name.startswith("api-") else f"?competition={slug}&limit=200"
            found[
                reverse(name, kwargs={key: filling[key] for key in needed}) + QUERIES.get(name, query).format(slug=slug)
            ] = None
        found[f"/search/?q={hotkey[:8]}"] = None
    return list(found)


class Walk:
    """All answers of a competition, and what each says of each match: (match, fact) -> value -> addresses."""

    def __init__(self, client: Client, slug: str) -> None:
        self.client, self.slug = client, slug
        self.pages: dict[str, str] = {}
        self.told: Told = defaultdict(lambda: defaultdict(list))
        self.facts: Told = defaultdict(lambda: defaultdict(list))  # of duels, audits, prompts and the weight in force
        self.answered: set[str] = set()  # rows of the URL table
        self.matches = {row.url for row in self._rows()}

    def _rows(self) -> list[Any]:
        from dashboard.facts.matches import match_url

        rows = Match.in_force.filter(round__competition__slug=self.slug, state="decided")
        sides = ("round__competition", "defender__miner", "challenger__miner")
        found = []
        for row in rows.select_related(*sides):
            row.url = match_url(row.round, row)
            found.append(row)
        return found

    def all(self) -> Walk:
        waiting = ["/", f"/c/{self.slug}/"]
        while waiting:
            url = waiting.pop()
            if url in self.pages or not self.wanted(url):
                continue
            self.page(url)
            waiting += [link.partition("#")[0] for link in re.findall(r'href="(/[^"?]*)"', self.pages[url])]
        self.programs()
        for url in addresses_of(self.slug):
            self.address(url)
        return self

    def wanted(self, url: str) -> bool:
        """Pages of this competition and its miners; of duels and prompts those that `addresses_of` names."""
        inside = url == "/" or re.match(rf"/c/{self.slug}/", url) or url.startswith("/miners/")
        if not inside or not url.endswith("/"):
            return False
        try:
            return resolve(url).url_name not in (*SAMPLED, *APART)
        except Resolver404:
            return False

    def address(self, url: str) -> None:
        """Whatever answers there, read by what it is."""
        if url.partition("?")[0] in self.pages:
            return
        answer = self.get(url)
        if answer.status_code != 200:
            return
        kind = answer.headers["Content-Type"].partition(";")[0]
        if kind.endswith("json"):
            self.document(url, answer.json())
        elif kind == "text/csv":
            self.sheet(url, answer.content.decode())
        else:
            self.pages[url] = answer.content.decode()
            self.html(url)

    def get(self, url: str) -> Any:
        for name in ("default", "throttles"):
            caches[name].clear()
        answer = self.client.get(url)
        if answer.status_code in (200, 302):
            self.answered.add(resolve(url.partition("?")[0]).url_name)
        return answer

    def page(self, url: str) -> None:
        answer = self.get(url)
        self.pages[url] = answer.content.decode() if answer.status_code == 200 else ""
        self.html(url)
        for ending in (".json", ".csv"):
            twin = self.get(url.rstrip("/") + ending)
            if twin.status_code != 200:
                continue
            if ending == ".json":
                self.document(url.rstrip("/") + ending, twin.json())
            else:
                self.sheet(url.rstrip("/") + ending, twin.content.decode())

    def programs(self) -> None:
        """The API, and what the client prints of it."""
        number = Round.objects.filter(competition__slug=self.slug, state="finished").first().number
        query = f"?competition={self.slug}&limit=200"
        for path in (f"matches{query}", f"competitions/{self.slug}/rounds/{number}/ladder"):
            self.document(f"/api/v1/{path}", self.get(f"/api/v1/{path}").json())
        self.sheet("/api/v1/matches.csv", self.get(f"/api/v1/matches{query}&format=csv").content.decode())
        for match in self._rows():
            if match.round.number == number:
                self.standing(match.challenger.miner.hotkey, number)

    def standing(self, hotkey: str, number: int) -> None:
        address = f"/api/v1/miners/{hotkey}/standing?competition={self.slug}&round={number}"
        told = self.get(address).json()
        self.document(address, told)
        self.client_prints(f"client of {address}", told)

    def add(self, match: str, fact: str, value: Any, *, at: str) -> None:
        if match in self.matches:
            self.told[match, fact][json.dumps(value)].append(at)

    def fact(self, subject: str, fact: str, value: Any, *, at: str) -> None:
        self.facts[subject, fact][json.dumps(value)].append(at)

    def other_facts(self, at: str, row: Mapping[str, Any]) -> None:
        """What a row tells of a duel, an audit, a prompt or the weight in force."""
        url = row.get("url") or ""
        if "result" in row and "score_micro" in row:
            for name in ("result", "score_micro"):
                self.fact(f"duel {url}", name, row[name], at=at)
        if row.get("kind") in ("generation", "source") and "reason" in row and "/audits/" in (place := url or at):
            subject = f"audit {row['kind']} of {place.removesuffix('.json').rstrip('/')}"
            self.fact(subject, "verdict", row.get("verdict") or row.get("state"), at=at)
            self.fact(subject, "reason", row["reason"], at=at)
        stem = row.get("stem") or row.get("prompt")
        if isinstance(stem, str) and "judged" in row and "/rounds/" not in at:
            for name in ("judged", "won", "lost", "forfeited", "void", "rounds"):
                self.fact(f"prompt {stem}", name, int(row[name]), at=at)
        for leading in (row.get("weight"), row.get("reign")):
            if isinstance(leading, dict) and isinstance(leading.get("leader"), dict) and "weight" in leading:
                shown = f"{leading['leader']['hotkey'][:8]} {float(Fraction(leading['weight'])):.2f}"
                self.fact("the weight in force", "leader and weight", shown, at=at)

    def document(self, at: str, document: Any) -> None:
        if isinstance(document, list):
            for item in document:
                self.document(at, item)
        if not isinstance(document, dict):
            return
        self.other_facts(at, document)
        url = document.get("url") or ""
        for told in (document.get("tally"), document if "forfeits_challenger" in document else None):
            self.tally(at, url, told)
        self.tally(at, document.get("deciding_url") or "", document.get("deciding"))
        if document.get("state") == "decided" and document.get("stop") is not None:
            self.add(url, "stop", document["stop"], at=at)
        for value in document.values():
            self.document(at, value)

    def tally(self, at: str, url: str, told: Any) -> None:
        if not isinstance(told, dict):
            return
        for name in NUMBERS:
            if name in told:
                self.add(url, name, told[name], at=at)
        if "interval_95" in told:
            shown = [f"{share(end):.1f}" for end in told["interval_95"]] if told["interval_shown"] else None
            self.add(url, "interval", shown, at=at)

    def sheet(self, at: str, text: str) -> None:
        for row in csv.DictReader(io.StringIO(text)):
            if "judged" in row:
                self.other_facts(at, row)
            for name in (*COUNTS, "margin"):
                told = row.get(f"tally_{name}", row.get(name) if "forfeits_challenger" in row else None)
                if told not in (None, ""):
                    told = told.lstrip("'")
                    self.add(row.get("url", ""), name, told if name == "margin" else int(told), at=at)

    def html(self, url: str) -> None:
        text = self.pages[url]
        for row in re.findall(r"<tr>.*?</tr>", text, re.S):
            links = [link for link in re.findall(r'href="([^"#?]+)"', row) if link in self.matches]
            if links and "split-cell" in row:
                self.cells(url, links[0], row)
        for link, margin in re.findall(r'<a href="([^"#?]+)">\s*([+−]?\d+\.\d\d %)\s*</a>', text):
            self.add(link, "margin shown", margin, at=f"{url} (link)")
        for head, weight in re.findall(r"(\w{8})…\w{6} · (\d\.\d\d)\b", text):  # feed and badge
            self.fact("the weight in force", "leader and weight", f"{head} {weight}", at=url)
        paid = re.search(r"<code>(\w{8})…\w{6}</code></a> is paid with weight (\d\.\d\d)", text)
        if paid:
            self.fact("the weight in force", "leader and weight", f"{paid[1]} {paid[2]}", at=url)
        if url in self.matches:
            block = text.partition('aria-label="The numbers of the match"')[2].partition("</section>")[0]
            self.block(url, block)

    def cells(self, at: str, match: str, row: str) -> None:
        duels = visible(row.partition("split-cell")[2].partition("</td>")[0])
        found = re.search(r"(\d+) · (\d+) · (\d+)", duels)
        assert found, f"{at}: no counts in {row}"
        for name, value in zip(("won", "drawn", "lost"), found.groups(), strict=True):
            self.add(match, name, int(value), at=at)
        self.apart(at, match, duels)
        self.add(
            match,
            "margin shown",
            re.search(r"[+−]?\d+\.\d\d %", visible(row.partition('data-label="Margin"')[2]))[0],
            at=at,
        )
        stop = re.search(r"stopped after [^<]*", row)
        self.add(match, "stop", unescape(stop[0]).strip() if stop else "", at=at)
        self.forest(at, match, row)

    def block(self, at: str, block: str) -> None:
        words = visible(block)
        names = (
            ("better", "alike", "worse") if re.search(r'class="won">\d+ better', block) else ("won", "drawn", "lost")
        )
        for name, word in zip(("won", "drawn", "lost"), names, strict=True):
            self.add(at, name, int(re.search(rf"(\d+) {word}", words)[1]), at=at)
        self.apart(at, at, words)
        if "<dt>Margin</dt>" in block:
            self.add(at, "margin shown", re.search(r"<dt>Margin</dt><dd>([^<]+)", block)[1], at=at)
            shown = re.search(r"<dt>95 % interval</dt><dd>([^<]+)", block)[1]
            self.add(at, "interval shown", shown, at=at)
            self.forest(at, at, block)
        stop = re.search(r"Stopped after [^:<]*", block)
        if stop:
            self.add(at, "stop", stop[0].replace("Stopped", "stopped"), at=at)

    def forest(self, at: str, match: str, text: str) -> None:
        """What the chart says to who does not see it."""
        words = re.search(r'class="forest"[^>]*aria-label="([^"]*)"', text)
        if words:
            told = unescape(words[1])
            self.add(match, "margin shown", re.search(r"margin ([^,]+)", told)[1], at=f"{at} (alt text)")
            between = re.search(r"95 % interval (.+? to .+?),", told)
            self.add(match, "interval shown", between[1] if between else "none", at=f"{at} (alt text)")

    def apart(self, at: str, match: str, words: str) -> None:
        """Forfeits and void duels, which stand apart."""
        theirs = re.search(r"(\d+) forfeited by the defender", words)
        own = re.search(r"(\d+) forfeited(?! by the defender)", words)
        void = re.search(r"(\d+) void", words)
        for name, found in (("forfeits_challenger", own), ("forfeits_defender", theirs), ("void", void)):
            self.add(match, name, int(found[1]) if found else 0, at=at)

    def client_prints(self, at: str, told: Mapping[str, Any]) -> None:
        from gauntlet_client import showing
        from gauntlet_client.options import out

        out.width = 240
        with out.capture() as printed:
            showing.standing(told)
        lines = [line for line in printed.get().splitlines() if line.startswith("│")]
        assert len(lines) == len(told["matches"]), f"{at}: {printed.get()}"
        for line, row in zip(lines, told["matches"], strict=True):
            cells = [cell.strip() for cell in line.strip("│").split("│")]
            if row["tally"]:
                for name, value in zip(showing.COUNTS, cells[2:], strict=False):
                    self.add(row["url"], name, int(value), at=at)
                self.add(row["url"], "margin shown", cells[-2], at=at)

    def disagreements(self) -> list[str]:
        return [
            f"{fact} of {match}: " + "; ".join(f"{value} at {', '.join(sorted(set(at)))}" for value, at in told.items())
            for (match, fact), told in (*self.told.items(), *self.facts.items())
            if len(told) > 1
        ]


def share(end: float) -> float:
    return round(100 * end, 1) + 0.0


def visible(text: str) -> str:
    """Without tags and drawings."""
    drawn = re.sub(r"<(svg|title|script).*?</\1>", " ", text, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", drawn)).split())


def made_walk(client: Client) -> Walk:
    made_round.make()
    return Walk(client, "made").all()


def forfeits_after_the_stop(made: Made) -> None:
    """A match as title-1 plays its screens: judged up to the fifth duel, and two forfeits after it count."""
    match = Match.objects.get(round=made.finished, stopped="below")
    match.duels.filter(position__gte=5).update(state="unneeded", outcome="", score_micro=None)
    last = list(match.duels.order_by("position"))[-2:]
    match.duels.filter(pk__in=[duel.pk for duel in last]).update(state="forfeited", outcome="defender")
    Match.objects.filter(pk=match.pk).update(
        won=0,
        drawn=1,
        lost=4,
        forfeits_challenger=2,
        void=0,
        stopped="hopeless",
        stopped_after=5,
        margin_micro=-857_143,
    )


def title_walk(client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Walk:
    stage = played_round.stage(seed=3, patch=monkeypatch, folder=tmp_path, ruleset="title-1")
    stage.reveal(1, [f"{n:040x}" for n in range(1, 7)])
    stage.play(1)
    return Walk(client, "played").all()


def margin_walk(client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Walk:
    stage = played_round.stage(seed=1, patch=monkeypatch, folder=tmp_path)
    stage.reveal(1, [f"{n:040x}" for n in range(1, 7)])
    stage.play(1)
    return Walk(client, "played").all()


PLAYED = [pytest.param(f"{ruleset} played", marks=pytest.mark.long) for ruleset in ("margin-1", "title-1")]


@pytest.fixture(params=["made", "stopped", *PLAYED])
def walk(
    request: pytest.FixtureRequest, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Walk]:
    if request.param == "made":
        yield made_walk(client)
    elif request.param == "stopped":
        forfeits_after_the_stop(made_round.make())
        yield Walk(client, "made").all()
    elif request.param == "title-1 played":
        yield title_walk(client, monkeypatch, tmp_path)
    else:
        yield margin_walk(client, monkeypatch, tmp_path)


def test_every_address_tells_the_same_of_every_match(walk: Walk) -> None:
    told = {match for match, _ in walk.told}
    assert told == walk.matches, f"nothing is told of {walk.matches - told}"
    assert not walk.disagreements(), "\n" + "\n".join(walk.disagreements())
    places = {
        at.partition("?")[0].rpartition(".")[2] for each in walk.told.values() for ats in each.values() for at in ats
    }
    assert {"json", "csv"} <= places
    assert any(at.startswith("client of") for each in walk.told.values() for ats in each.values() for at in ats)
    for match in walk.matches:
        adds_up(walk, match)
    reads_right(walk)
    titles = () if Match.objects.filter(kind="title").exists() else TITLES
    silent = rows_of_the_url_table().keys() - APART.keys() - {*titles} - walk.answered
    assert not silent, f"nothing answered at these rows of the URL table: {sorted(silent)}"
    assert ("the weight in force", "leader and weight") in walk.facts
    assert {subject.split()[0] for subject, _ in walk.facts} >= {"duel", "audit", "prompt", "the"}


def one(walk: Walk, match: str, fact: str) -> Any:
    (value,) = walk.told[match, fact]
    return json.loads(value)


def adds_up(walk: Walk, match: str) -> None:
    """W + D + L and the forfeits are what counted; the margin follows; what was stopped is what counted, too."""
    counts = {name: one(walk, match, name) for name in COUNTS}
    parts = ("won", "drawn", "lost", "forfeits_challenger", "forfeits_defender")
    assert sum(counts[name] for name in parts) == counts["counted"], f"{match}: {counts}"
    net = counts["won"] + counts["forfeits_defender"] - counts["lost"] - counts["forfeits_challenger"]
    assert one(walk, match, "net") == net
    assert Fraction(one(walk, match, "margin")) == (Fraction(net, counts["counted"]) if counts["counted"] else 0)
    stop = one(walk, match, "stop") if (match, "stop") in walk.told else ""
    found = re.match(r"stopped after (\d+) of (\d+) duels?(?:; (\d+) forfeits? among the rest counts?, too)?$", stop)
    if found:
        after, total, more = int(found[1]), int(found[2]), int(found[3] or 0)
        assert after + more == counts["counted"] + counts["void"] <= total, f"{match}: {stop}, {counts}"
    else:
        assert stop == "", f"{match}: {stop}"


def reads_right(walk: Walk) -> None:
    """Plurals, and no verdict beside words of one that is still to come."""
    for url, text in walk.pages.items():
        main = text.partition("<main")[2].partition("</main>")[0]
        for words in (" ".join(unescape(node).split()) for node in re.split(r"<[^>]+>", main)):
            wrong = re.findall(rf"(?<![\d.,/])\b1 (?:{PLURALS})\b", words)
            wrong += re.findall(rf"(?<![\d.,/])\b(?:0|[2-9]|[1-9]\d+) (?:{NOUNS})\b(?! (?:against|on|of))", words)
            assert not wrong, f"{url}: {words}"
            assert not re.search(r"\b1 of 1 [^.]* were\b", words), f"{url}: {words}"
        for row in re.findall(r"<tr>.*?</tr>", text, re.S):
            if re.search(r'class="tag (passed|rejected)"', row):
                assert "being gathered" not in row, f"{url}: a verdict, and its evidence is being gathered"


def test_a_win_is_shown_with_the_match_that_brought_it(client: Client) -> None:
    """The entry met the leader with one margin and somebody else with another; what took the lead is on the ladder."""
    made = made_round.make()
    winner, other = (s for s in made.finished.submissions.filter(miner__in=made.miners[1:3]).order_by("reveal_block"))
    maker = made_round.Maker.__new__(made_round.Maker)
    maker.files, maker.prompts = {}, [d.prompt for d in Match.objects.first().duels.order_by("position")]
    maker.match(made.finished, other, winner, kind="ladder", results=([W, W, L] * 12)[:12])
    rung = {"challenger": winner.miner.hotkey, "defender": "leader", "verdict": "advanced", "reason": "It won."}
    Round.objects.filter(pk=made.finished.pk).update(decision={"winner": winner.miner.hotkey, "ladder": [rung]})
    walk = Walk(client, "made")
    course = client.get(f"/miners/{winner.miner.hotkey}.json").json()["course"][0]
    receipt = client.get("/c/made/r/1.json").json()["receipt"]
    home = client.get("/c/made.json").json()
    assert course["took_lead"] and course["tally"]["margin"] == home["deciding"]["margin"]
    assert course["url"] == home["deciding_url"] == receipt["chain"][0]["url"]
    crowned = [row["url"] for row in client.get("/c/made/charts.json").json()["margins"] if row["state"] == "won"]
    assert crowned == [course["url"]]
    sentence = client.get(f"/api/v1/miners/{winner.miner.hotkey}/standing?round=1").json()["sentence"]
    assert "+20.00 %" in sentence
    assert "against the leader" in sentence
    assert walk.matches


def test_nobody_is_ranked_on_nothing_and_equals_share_a_rank(client: Client) -> None:
    made = made_round.make()

    def ranks() -> list[tuple[Any, int, int]]:
        found = []
        for miner in made.miners[1:4]:
            told = client.get(f"/api/v1/miners/{miner.hotkey}/standing?round=1").json()
            found.append((told["rank"], told["ranked"], told["rank_shared"]))
        return found

    assert ranks() == [(1, 2, 1), (2, 2, 1), (None, 2, 0)], "who delivered nothing is not ranked"
    screens = Match.objects.filter(round=made.finished, kind="screen")
    screens.filter(forfeits_challenger=0).update(won=0, drawn=0, lost=12, void=0, margin_micro=-1_000_000)
    assert ranks() == [(None, 2, 0), (None, 2, 0), (None, 2, 0)], "nothing tells them apart"
    third = screens.filter(challenger__miner=made.miners[3])
    third.update(won=4, drawn=8, lost=0, forfeits_challenger=0, margin_micro=333_333)
    assert ranks() == [(2, 3, 2), (2, 3, 2), (1, 3, 1)]


def test_an_interval_of_no_width_is_told_nowhere(client: Client) -> None:
    made = made_round.make()
    match = Match.objects.get(round=made.finished, stopped="below")
    Match.objects.filter(pk=match.pk).update(won=12, drawn=0, lost=0, void=0, margin_micro=1_000_000, stopped="")
    hotkey = match.challenger.miner.hotkey
    url = f"/c/made/r/1/leader-vs-{hotkey}/"
    text = client.get(url).content.decode()
    assert "<dt>95 % interval</dt><dd>none</dd>" in text
    assert "no 95 % interval" in text
    assert "100.0 % to" not in text
    assert client.get(url.rstrip("/") + ".json").json()["tally"]["interval_shown"] is False
    assert client.get(f"/api/v1/miners/{hotkey}/standing?round=1").json()["interval_95"] is None


def test_an_audit_is_held_against_a_limit_below_nought(client: Client) -> None:
    made = made_round.make()
    winner = made.miners[1].hotkey
    audit = client.get(f"/c/made/r/1/audits/{winner}.json").json()["match"]
    assert (audit["tally"]["limit"], audit["tally"]["win_margin"], audit["limit"]) == ("-1/20", "1/20", "-1/20")
    assert "limit −5.00 %" in client.get(f"/c/made/r/1/audits/{winner}/").content.decode()
    told = client.get(f"/api/v1/miners/{winner}/standing?round=1").json()
    (row,) = [row for row in told["matches"] if row["kind"] == "audit"]
    assert row["tally"]["limit"] == "-1/20"
    from gauntlet_client import showing
    from gauntlet_client.options import out

    out.width = 240
    with out.capture() as printed:
        showing.standing(told)
    (line,) = [line for line in printed.get().splitlines() if line.startswith("│ audit")]
    assert line.rstrip("│ ").endswith("−5.00 %")


def test_leader_weight_and_outcome_agree_with_the_register(client: Client) -> None:
    made_round.make()
    last = Reign.objects.order_by("-sequence").first()
    home = client.get("/c/made.json").json()
    round_ = client.get("/c/made/r/1.json").json()
    leaders = client.get("/c/made/leaders.json").json()
    api = client.get("/api/v1/competitions/made/leader").json()
    names = {home["leader"]["miner"]["hotkey"], round_["outcome"]["leader"]["hotkey"], api["reign"]["leader"]["hotkey"]}
    assert names == {last.miner.hotkey, leaders["terms"][0]["miner"]["hotkey"]}
    assert {home["leader"]["weight"], round_["outcome"]["weight"], api["reign"]["weight"]} == {last.weight}
    assert Competition.objects.count() == 1
    assert F not in {row["result"] for row in client.get("/c/made/r/1.json").json()["matches"] if "result" in row}
