"""What did an exam find, as a document and as a table?  Whole numbers, shares in millionths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from competition.decisions.rates import Rate
from judging.backends.base import Judge
from judging.decisions import exam
from judging.decisions.ballots import MICRO
from judging.decisions.exam import DamageCurve
from judging.decisions.health import Gates
from judging.exam.damages import DAMAGES
from judging.exam.examiner import ExamRun
from judging.exam.pairs import ExamPair, ExamPictures

FORM = 1  # of the document


def exam_document(judge: Judge, run: ExamRun, pairs: Sequence[ExamPair], pictures: ExamPictures) -> dict[str, Any]:
    """Of the pairs that were judged so far; `missing` says how many were not."""
    results = [run.results[pair.key] for pair in pairs if pair.key in run.results]
    repeats = [
        (run.results[key].outcome, outcome)
        for key, outcome in run.repeats.items()
        if key in {pair.key for pair in pairs} and key in run.results
    ]
    assets = {pair.asset.name for pair in pairs}
    gains = [gain for asset, gain in sorted(run.gains.items()) if asset in assets]
    bias, calibration = exam.place_bias(results), exam.score_calibration(results)
    injection = exam.injection_resistance(gains, bar=Gates().injection_gain)
    cost = run.cost
    return {
        "form": FORM,
        "judge": judge.name,
        "version": judge.version,
        "seed": pictures.seed,
        "pixels": pictures.rig.pixels,
        "pictures": pictures.key,
        "assets": len(assets),
        "pairs": len(pairs),
        "missing": len(pairs) - len(results),
        "overall": rate_row(exam.overall(results)),
        "curves": [curve_row(curve) for curve in ordered(exam.damage_curves(results))],
        "place_bias": {
            "ballots": bias.ballots,
            "mean_micro": bias.mean_micro,
            "same_place": rate_row(bias.same_place),
        },
        "repeatability": rate_row(exam.repeatability(repeats)),
        "injection": {
            "gained": rate_row(injection.gained),
            "mean_micro": injection.mean_micro,
            "worst_micro": injection.worst_micro,
        },
        "calibration": {
            "error_micro": calibration.error_micro,
            "bins": [
                {
                    "low_micro": each.low_micro,
                    "high_micro": each.high_micro,
                    "claimed_micro": each.claimed_micro,
                    "right": rate_row(each.rate),
                }
                for each in calibration.bins
            ],
        },
        "cost": {
            "duels": cost.duels,
            "answers": cost.answers,
            "tokens": cost.tokens,
            "seconds": round(cost.seconds),
            "answers_a_second_micro": round(cost.answers / cost.seconds * MICRO) if cost.seconds else None,
            "tokens_a_duel": round(cost.tokens / cost.duels) if cost.duels and cost.tokens else None,
        },
        "void": exam.by_code(results),
    }


def ordered(curves: Sequence[DamageCurve]) -> list[DamageCurve]:
    """As the damages are listed."""
    return sorted(curves, key=lambda curve: list(DAMAGES).index(curve.kind))


def rate_row(rate: Rate) -> dict[str, int | None]:
    """`of` none: there is nothing to say."""
    low, high = rate.interval if rate.rounds else (0.0, 1.0)
    share = round(rate.share * MICRO) if rate.rounds else None
    return {
        "hits": rate.hits,
        "of": rate.rounds,
        "share_micro": share,
        "low_micro": round(low * MICRO),
        "high_micro": round(high * MICRO),
    }


def curve_row(curve: DamageCurve) -> dict[str, Any]:
    points = [
        {
            "strength": point.strength,
            "dose": f"{DAMAGES[curve.kind].doses[point.strength - 1]:g}",
            "right": rate_row(point.rate),
            "wrong": point.wrong,
            "draws": point.draws,
            "void": point.void,
        }
        for point in curve.points
    ]
    threshold = None if curve.threshold is None else round(curve.threshold * MICRO)
    damage = DAMAGES[curve.kind]
    return {
        "kind": curve.kind,
        "words": damage.words,
        "unit": damage.unit,
        "threshold_micro": threshold,
        "right": rate_row(curve.rate),
        "points": points,
    }


def table(document: dict[str, Any]) -> str:
    """For a terminal, and for docs/judge.md."""
    lines = [
        f"judge {document['judge']}, version {document['version'][:12]}, seed {document['seed']}, "
        f"{document['pixels']} px",
        f"{document['pairs']} pairs of {document['assets']} assets, each judged from both sides"
        + (f"; {document['missing']} are not judged yet" if document["missing"] else ""),
        "",
        "| damage | 1 | 2 | 3 | 4 | 5 | seen from | wrong | pairs |",
        "|---|---|---|---|---|---|---|---|---|",
        *map(curve_line, document["curves"]),
        "",
        f"right: {rate_words(document['overall'])}",
        *summary_lines(document),
    ]
    return "\n".join(lines)


def curve_line(curve: dict[str, Any]) -> str:
    by_strength = {point["strength"]: point for point in curve["points"]}
    cells = [
        f"{by_strength[strength]['right']['share_micro'] / MICRO:.0%}" if strength in by_strength else ""
        for strength in exam.STRENGTHS
    ]
    wrong = sum(point["wrong"] for point in curve["points"])
    words = [curve["kind"], *cells, threshold_words(curve["threshold_micro"]), str(wrong), str(curve["right"]["of"])]
    return f"| {' | '.join(words)} |"


def summary_lines(document: dict[str, Any]) -> list[str]:
    bias, injection, cost = document["place_bias"], document["injection"], document["cost"]
    lines = [
        f"position: the second place is worth {bias['mean_micro'] / MICRO:+.3f}; one place named in both orders: "
        f"{rate_words(bias['same_place'])}",
        f"repeatability: {rate_words(document['repeatability'])}",
        f"injection: a painted order gained in {rate_words(injection['gained'])}, "
        f"worst {injection['worst_micro'] / MICRO:+.3f}, mean {injection['mean_micro'] / MICRO:+.3f}",
        f"calibration error: {document['calibration']['error_micro'] / MICRO:.3f}",
        *(
            f"  score {each['low_micro'] / MICRO:.1f} to {each['high_micro'] / MICRO:.1f}: claims "
            f"{each['claimed_micro'] / MICRO:.0%}, right {rate_words(each['right'])}"
            for each in document["calibration"]["bins"]
        ),
    ]
    speed = cost["answers_a_second_micro"]
    if speed is not None:
        tokens = f", {cost['tokens_a_duel']} tokens a duel" if cost["tokens_a_duel"] else ""
        lines.append(f"{cost['answers']} answers, {speed / MICRO:.1f} a second, {cost['duels']} duels{tokens}")
    return [*lines, *(f"no answer ({count}): {code}" for code, count in document["void"].items())]


def threshold_words(micro: int | None) -> str:
    return "not seen" if micro is None else f"{micro / MICRO:.1f}"


def rate_words(rate: dict[str, Any]) -> str:
    if not rate["of"]:
        return "none judged"
    low, high = rate["low_micro"] / MICRO, rate["high_micro"] / MICRO
    return f"{rate['share_micro'] / MICRO:.1%} of {rate['of']} (95 %: {low:.1%} to {high:.1%})"
