"""`python -m verify BUNDLE --ask URL`: what does a judge of the reader's own choice say to the questions of a round?

What it will cost is said first, and nothing is asked without a yes.  The bundle is verified before: what contradicts
itself is not asked about.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from verify.bundles import judging
from verify.bundles.files import ExaminedBundle, Row
from verify.findings import BROKEN, printable
from verify.second_opinion import sheets
from verify.second_opinion.agreement import FORMAT, Comparison, leader_name
from verify.second_opinion.answer_log import AnswerLog
from verify.second_opinion.model_server import ModelServer, UnreadableAnswer
from verify.second_opinion.questions import (
    CitedDuel,
    CitedQuestion,
    NotAskable,
    blob,
    cited_duels,
    draw,
    labels_of,
    questions_of,
    with_pictures,
)

STANDARD_SAMPLE = 200
MOST_SILENT = 5
"""Questions in a row without an answer, after which the server is taken to be away."""
PIXELS_A_TOKEN = 28
"""Side of the square of a picture that is one token, as Qwen2.5-VL counts; others are within a factor of three."""
LETTERS_A_TOKEN = 4
MEASURED = 8
"""Questions whose pictures are drawn beforehand, to say what all of them weigh."""
LONGEST_KEY = 4096
SHOWN_MATCHES = 40


@dataclass(frozen=True)
class Choices:
    """What the reader asked for.  `sample`: questions at most, None: all; `seed` "": the one of the answers' file, or a
    new one; `model` "": the round's judge's."""

    url: str
    sample: int | None = STANDARD_SAMPLE
    seed: str = ""
    model: str = ""
    key_file: Path | None = None
    answers: Path | None = None
    report: Path | None = None
    yes: bool = False
    as_json: bool = False


@dataclass(frozen=True)
class QuestionCost:
    """What the questions that are left will cost at most, but for those that must be put again."""

    questions: int
    had: int
    picture_bytes: int
    tokens: int

    def line(self) -> str:
        before = f" ({self.had} more were answered before)" if self.had else ""
        return (
            f"{self.questions} questions{before}, about {size(self.picture_bytes)} of pictures, about {self.tokens:,} "
            "tokens read and one written for each."
        )


def second_opinion(bundle: ExaminedBundle, choices: Choices) -> int:
    """0: the report is there; 1: the bundle has errors; 2: nothing was asked, or not all of it."""
    try:
        require_sound(bundle)
        return _ask(bundle, choices)
    except NotAskable as why:
        note(f"Not asked: {why}" if not isinstance(why, Stopped) else str(why))
        return 1 if isinstance(why, Unsound) else 2
    except BROKEN as error:
        note(f"Not finished: a value that nobody expects ({error!r:.150}). What was answered is kept.")
        return 2
    except KeyboardInterrupt:
        note("Stopped. What was answered is kept: the same command goes on there.")
        return 2


class Unsound(NotAskable):
    """The bundle contradicts itself."""


class Stopped(NotAskable):
    """Some of it was asked."""


def require_sound(bundle: ExaminedBundle) -> None:
    """No error but missing pictures, which `with_pictures` counts.  Raises Unsound."""
    report = bundle.log.report()
    others = [kind for (severity, kind), _ in report.totals.items() if severity == "error" and kind != "file-missing"]
    files = [finding.file for finding in report.findings if finding.kind == "file-missing"]
    if others or not all("blobs/" in file for file in files) or "decision.json" not in bundle.documents:
        raise Unsound(
            f"the verifier finds {report.errors} errors in this bundle, so its questions may not be those of the "
            "round. Run it without --ask to see them."
        )


@dataclass(frozen=True)
class OpinionPlan:
    """What is to be asked of whom.  `whole`: the cited duels that have their pictures; `drawn`: those of the sample;
    `answers`: those that the log has already."""

    bundle: ExaminedBundle
    server: ModelServer
    log: AnswerLog
    seed: str
    cited: list[CitedDuel]
    whole: list[CitedDuel]
    drawn: list[CitedDuel]
    answers: dict[str, Row]

    @property
    def judge(self) -> Row:
        """The document of the round's judge."""
        doc: Row = self.bundle.document(judging.NAME)
        return doc

    @property
    def left(self) -> list[CitedQuestion]:
        return [question for key, question in questions_of(self.drawn).items() if key not in self.answers]


def _ask(bundle: ExaminedBundle, choices: Choices) -> int:
    """Raises NotAskable."""
    plan = make_plan(bundle, choices)
    announce(plan)
    if plan.left:
        require_yes(choices)
    if plan.seed != plan.log.seed():
        plan.log.write_seed(plan.seed)
    unanswered = put_questions(plan)
    document = report_document(plan, unanswered)
    if choices.report is not None:
        write_report(choices.report, document)
    print(json.dumps(document, indent=1) if choices.as_json else "\n".join(map(printable, lines(document))))
    return 0


def make_plan(bundle: ExaminedBundle, choices: Choices) -> OpinionPlan:
    """Raises NotAskable."""
    cited = cited_duels(bundle)
    whole = with_pictures(cited, bundle.folder)
    described = bundle.document(judging.NAME)["described"]
    server = ModelServer(choices.url, described=described, key=key_of(choices.key_file))
    place = {"bundle": manifest_hash(bundle), "server": server.address, "model": server.choose(choices.model)}
    folder = bundle.folder.resolve()
    log = AnswerLog(choices.answers or folder.with_name(f"{folder.name}.second-opinion.jsonl"), place)
    seed = choices.seed or log.seed() or secrets.token_hex(8)
    drawn, every = draw(whole, seed=seed, most=choices.sample), questions_of(cited)
    answers = {
        key: row
        for key, row in log.answers().items()
        if key in every and row["shares"].keys() == labels_of(described, every[key].kind).keys()
    }
    return OpinionPlan(bundle, server, log, seed, cited, whole, drawn, answers)


def announce(plan: OpinionPlan) -> None:
    """What will be asked, and what it costs."""
    bundle, left = plan.bundle, plan.left
    every, drawn = len(questions_of(plan.cited)), len(questions_of(plan.drawn))
    name = f"{bundle.manifest['competition']} round {bundle.round}"
    note(f"{name}: {every} questions to {plan.server.judges_model} about {len(plan.cited)} duels.")
    if len(plan.whole) < len(plan.cited):
        note(f"{len(plan.cited) - len(plan.whole)} of its duels lack pictures in this bundle: they are not drawn.")
    receiver = f"{plan.server.model} at {plan.server.address}"
    note(f"Drawn by the seed {plan.seed}: {len(plan.drawn)} duels, {drawn} questions. To ask of {receiver}:")
    note(f"  {estimated(bundle, left, had=drawn - len(left)).line()}")


def report_document(plan: OpinionPlan, unanswered: Mapping[str, int]) -> Row:
    """Nothing in it says who asked, where or when, so that the same answers give the same report."""
    comparison = Comparison(plan.bundle, cited=plan.cited, whole=plan.whole, drawn=plan.drawn, answers=plan.answers)
    questions = questions_of(plan.drawn)
    had = [plan.answers[key] for key in questions if key in plan.answers]
    numbers = {"cited": len(questions_of(plan.cited)), "drawn": len(questions), "answered": len(had)}
    return {
        "format": FORMAT,
        "competition": plan.bundle.manifest["competition"],
        "round": plan.bundle.round,
        "bundle": plan.log.place["bundle"],
        "judge": plan.judge["name"],
        "judge_version": plan.judge["version"],
        "judge_model": plan.server.judges_model,
        "model": plan.server.model,
        "answered_as": sorted({str(row.get("answered_as", "")) for row in had}),
        "measured_by": dict(sorted(Counter(str(row.get("measured_by", "")) for row in had).items())),
        "seed": plan.seed,
        "duels": {"cited": len(plan.cited), "with_pictures": len(plan.whole), "drawn": len(plan.drawn)},
        "questions": numbers,
        "unanswered": dict(sorted(unanswered.items())),
        **comparison.document(),
    }


def put_questions(plan: OpinionPlan) -> Counter[str]:
    """Adds the answers to the plan's and to its log; returns why other questions have none.  Raises Stopped."""
    silent, unanswered, questions = 0, Counter[str](), plan.left
    for number, question in enumerate(questions, 1):
        try:
            answer = plan.server.answer(question, pictures_of(plan.bundle, question))
            plan.answers[question.key] = plan.log.write(question.key, answer)
            silent = 0
        except (UnreadableAnswer, sheets.Undrawable) as why:
            unanswered[why.code if isinstance(why, UnreadableAnswer) else "picture"] += 1
            silent += isinstance(why, UnreadableAnswer)
            note(f"{question.kind} {question.key[:12]}…: {why}")
        if silent == MOST_SILENT:
            raise Stopped(
                f"Stopped: {silent} questions in a row have no answer. {number - sum(unanswered.values())} of "
                f"{len(questions)} were answered now and are kept in {plan.log.path}: the same command goes on there."
            )
        if sys.stderr.isatty():
            print(f"\r{number} of {len(questions)}", end="\n" if number == len(questions) else "", file=sys.stderr)
    return unanswered


def pictures_of(bundle: ExaminedBundle, question: CitedQuestion) -> list[bytes]:
    """Raises Undrawable."""
    pixels = bundle.document(judging.NAME)["described"]["pixels"]
    return [
        sheets.jpeg(tuple(blob(bundle.folder, sha256) for sha256 in picture), pixels=pixels)
        for picture in question.pictures
    ]


def estimated(bundle: ExaminedBundle, questions: Sequence[CitedQuestion], *, had: int) -> QuestionCost:
    """From the pictures of a few of them, evenly spread."""
    sample = questions[:: max(1, len(questions) // MEASURED)][:MEASURED]
    weights, tokens = [], []
    for question in sample:
        try:
            pictures = pictures_of(bundle, question)
        except sheets.Undrawable:
            continue
        weights.append(sum(map(len, pictures)))
        squares = [[ceil(length / PIXELS_A_TOKEN) for length in sheets.size_of(picture)] for picture in pictures]
        letters = len(question.text) + len(bundle.document(judging.NAME)["described"]["system"])
        tokens.append(sum(wide * high for wide, high in squares) + letters // LETTERS_A_TOKEN)
    most, number = max(1, len(weights)), len(questions)
    return QuestionCost(number, had, sum(weights) * number // most, sum(tokens) * number // most)


def require_yes(choices: Choices) -> None:
    """Raises NotAskable."""
    if choices.yes:
        return
    if not sys.stdin.isatty():
        raise NotAskable("nobody said yes to this: give --yes.")
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NotAskable("as you wish.")


def key_of(path: Path | None) -> str:
    """Raises NotAskable."""
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            key = file.read(LONGEST_KEY + 1).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotAskable(f"the key file {path} cannot be read as text: {type(error).__name__}.") from error
    if not key or len(key) > LONGEST_KEY or not key.isprintable() or " " in key:
        raise NotAskable(f"the key file {path} must hold the key alone, on one line.")
    return key


def manifest_hash(bundle: ExaminedBundle) -> str:
    return hashlib.sha256((bundle.folder / "manifest.json").read_bytes()).hexdigest()


def write_report(path: Path, document: Mapping[str, Any]) -> None:
    try:
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise Stopped(
            f"The report cannot be written to {path}: {error.strerror or error}. The answers are kept."
        ) from error


def note(sentence: str) -> None:
    """On a terminal nothing of a bundle's or a server's texts is obeyed."""
    print(printable(sentence), file=sys.stderr, flush=True)


def size(number: int) -> str:
    return f"{number / 1e6:.1f} MB" if number >= 10**5 else f"{number / 1e3:.1f} kB"


def lines(document: Row) -> Iterator[str]:
    """The report for a person."""
    questions, model = document["questions"], document["model"]
    yield f"{document['competition']} round {document['round']}, judged by {document['judge_model']}"
    of = "the judge's own model" if document["model"] == document["judge_model"] else "another name than the judge's"
    drawn = f"{questions['drawn']} of {questions['cited']} questions by the seed {document['seed']}"
    yield f"put to {model} ({of}): {drawn}"
    yield f"answers that agree    {share_line(document['answers'])}"
    for row in document["by_kind"]:
        if row["of"]:
            apart = row["difference_micro"]
            apart = "" if apart is None else f"; on average {apart / 1e6:.3f} apart"
            yield f"  {row['kind']:<18}  {share_line(row)}{apart}"
    if document["unanswered"]:
        reasons = ", ".join(f"{code} {number}" for code, number in document["unanswered"].items())
        yield f"without an answer     {sum(document['unanswered'].values())} ({reasons}): they count for nothing"
    if document["measured_by"].get("words"):
        yield "The server gives no log-probabilities, or not always: how sure such answers are is unknown."
    verdicts = document["verdicts"]
    yield (
        f"verdicts that agree   {share_line(verdicts)}; {verdicts['changed']} otherwise, {verdicts['open']} open "
        "(another question would decide, which the round did not ask)"
    )
    yield from match_lines(document["by_match"])
    yield winner_line(document["winner"])


def match_lines(rows: Sequence[Row]) -> Iterator[str]:
    sentences: dict[str, Callable[[Row], str]] = {
        "stands": lambda row: "stands, whatever the rest gives",
        "changes": lambda row: "comes to the opposite",
        "not covered": lambda row: f"not covered: it would change with {row['flip_distance']} duels ended otherwise",
    }
    for row in rows[:SHOWN_MATCHES]:
        counts = row["verdicts"]
        yield (
            f"  {row['match']}: {counts['same']} of {row['duels']} duels end the same, {counts['changed']} "
            f"otherwise, {counts['open']} open; {sentences[row['result']](row)}"
        )
    if len(rows) > SHOWN_MATCHES:
        yield f"  and {len(rows) - SHOWN_MATCHES} matches more (--report FILE has all)"


def winner_line(winner: Row) -> str:
    leads, official = leader_name(winner["with_these_answers"]), leader_name(winner["official"])
    if winner["result"] == "stands":
        return f"winner: {official} stands, whatever the rest gives."
    if winner["result"] == "changes":
        return f"winner: with these verdicts in place of the round's {leads}, not {official}."
    missing, distance = winner["duels"], winner["flip_distance"]
    most = "" if distance is None else f"; the leader is another after {distance} duels ended otherwise"
    rest = f"{missing['unanswered']} duels without a verdict and {missing['open']} open ones could still change that"
    return f"winner: {official} as far as these verdicts go, not covered: {rest}{most}."


def share_line(numbers: Row) -> str:
    if not numbers["of"]:
        return "none of none"
    low, high = numbers["interval95_micro"]
    between = f"95 %: {low / 10_000:.1f} % to {high / 10_000:.1f} %" if low != high else "all of them"
    return f"{numbers['same']} of {numbers['of']} ({numbers['share_micro'] / 10_000:.1f} %; {between})"
