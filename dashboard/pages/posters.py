"""With which picture is a link to a round shown?  Its headline and the clearest duel behind it, drawn once."""

from __future__ import annotations

import hashlib
import io
import textwrap

from PIL import Image, ImageDraw, ImageFont

from competition import queries
from competition.models import Round
from core import store
from dashboard.facts import page_queries
from dashboard.facts.people import SS58, plain, who
from dashboard.facts.rounds import pending_headline

VERSION = 1
SIZE = (1200, 630)
EDGE, GAP, LEFT = 330, 24, 60
GROUND, INK, QUIET, BLUE = "#f7f7f5", "#1b1e23", "#585f69", "#1f5fbf"
MOST_LINES = 3


def of_round(round_: Round) -> str:
    headline = round_.headline or pending_headline(round_, challengers=0)
    return digest(round_.competition.name, round_.number, round_.state, headline)


def digest(competition: str, number: int, stage: str, headline: str) -> str:
    """Changes with all that the picture of a decided round says.  Before, the headline counts those who entered, which
    the picture does not show."""
    shown_headline = headline if stage == "finished" else ""
    return hashlib.sha256(f"{VERSION} {competition} {number} {stage} {shown_headline}".encode()).hexdigest()[:16]


def drawn(round_: Round) -> bytes:
    """A JPEG of 1200 x 630 pixels."""
    canvas = Image.new("RGB", SIZE, GROUND)
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((0, 0, 12, SIZE[1]), fill=BLUE)
    draw.text((LEFT, 40), _plain(f"Gauntlet · {round_.competition.name}, round {round_.number}"), QUIET, _font(30))
    named = queries.labels_of(SS58.findall(round_.headline))
    text = plain(round_.headline, names={miner.hotkey: who(miner).name for miner in named})
    text = text.partition(". ")[0] or f"Round {round_.number}: {round_.state.replace('_', ' ')}"
    for line, words in enumerate(textwrap.wrap(_plain(text), width=46)[:MOST_LINES]):
        draw.text((LEFT, 88 + 54 * line), words, INK, _font(44))
    for place, sha256 in enumerate(_pictures(round_)):
        try:
            with Image.open(store.default().path(sha256)) as picture:
                small = picture.convert("RGB").resize((EDGE, EDGE))
        except (store.StoreFault, OSError, Image.DecompressionBombError):
            continue  # a picture that cannot be read leaves its place empty
        canvas.paste(small, (LEFT + place * (EDGE + GAP), 265))
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=85, optimize=True)
    return buffer.getvalue()


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _pictures(round_: Round) -> list[str]:
    """Prompt, defender and challenger of the clearest duel."""
    if round_.state != "finished":
        return []
    after = queries.reign_after(round_)
    _, duels = page_queries.decision_in_pictures(round_, [after] if after else [])
    if not duels:
        return []
    return [sha for sha in (duels[0].prompt_sha256, duels[0].defender_view, duels[0].challenger_view) if sha]


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
