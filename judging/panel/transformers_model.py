"""How does a vision-language model in this process's memory answer a batch of questions?  The only module with torch.

One forward pass per batch, of which only the last position's logits are used.  Every label must be one token of the
model's own tokenizer, with or without a space before it; its probability is taken over the whole vocabulary, so that
the mass on the labels says whether the model answered the question at all.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText

from judging.backends.base import NoAnswer
from judging.panel import transformers_prefix
from judging.panel.beginnings import grouped
from judging.panel.questions.calls import Call
from judging.panel.transformers_prefix import PicturePatches, PrefixCache
from judging.panel.transformers_words import Halves, processor_of

WORDS = 200  # tokens for the list of parts
CARD = "README.md"
LICENCE = re.compile(r"^license:[ \t]*['\"]?([\w.+-]+)", re.MULTILINE)
"""As a model's card names it, in the block with which it begins."""


@dataclass
class Loaded:
    """A model, its processor, and where it runs.  `chat`: what its chat template is told; `licence`: as the card beside
    the weights names it, "" where there is none.

    `shares_beginnings`: questions of a batch that begin with the same pictures read those once, and pictures are cut up
    on the card (`transformers_prefix`).
    """

    model: Any
    processor: Any
    device: str
    chat: Mapping[str, bool] = field(default_factory=dict)
    licence: str = ""
    shares_beginnings: bool = False
    prefixes: PrefixCache = field(default_factory=PrefixCache)

    @classmethod
    def from_folder(
        cls,
        name: str,
        *,
        revision: str | None,
        device: str,
        chat: Mapping[str, bool] | None = None,
        shares_beginnings: bool = False,
    ) -> "Loaded":
        """`name`: a folder, or a repository of the hub at `revision`.  Half precision on a GPU, full on a CPU."""
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        model = AutoModelForImageTextToText.from_pretrained(name, revision=revision, dtype=dtype)
        processor = processor_of(name, revision=revision)
        licence = licence_of(name, revision=revision)
        return cls(model.eval().to(device), processor, device, chat or {}, licence, shares_beginnings)

    def require_version(self, *, image_token: str, licence: str) -> None:
        """Raises NoAnswer where the weights are not what their version states; "" states nothing."""
        own = self.processor.tokenizer.convert_ids_to_tokens(self.model.config.image_token_id) if image_token else ""
        if own != image_token:
            raise NoAnswer("another_model", f"A picture's token is {own!r} for these weights, not {image_token!r}.")
        if licence and self.licence and self.licence.casefold() != licence.casefold():
            why = f"The card beside the weights names the licence {self.licence!r}, and this judge version {licence!r}."
            raise NoAnswer("another_licence", f"{why} The operator must read it.")

    def labels(self, calls: Sequence[Call]) -> list[dict[str, float]]:
        """The probability of each label, call by call.  Raises ValueError for a label that is not one token."""
        with torch.inference_mode():
            if self.shares_beginnings and isinstance(self.processor, Halves):
                logits = self._logits_by_beginning(calls)
            else:
                logits = self.model(**self._inputs(calls), logits_to_keep=1).logits[:, -1]
            shares = torch.softmax(logits.float(), dim=-1).cpu()
        return [
            {label: float(shares[row, self.tokens(label)].sum()) for label in call.labels}
            for row, call in enumerate(calls)
        ]

    def _logits_by_beginning(self, calls: Sequence[Call]) -> torch.Tensor:
        """As one pass over all of them would give, but for rounding."""
        read: dict[str, PicturePatches] = {}
        for picture in (picture for call in calls for _, picture in call.pictures):
            if picture.digest not in read:
                image = Image.open(io.BytesIO(picture.jpeg())).convert("RGB")
                read[picture.digest] = transformers_prefix.patches_of(image, self.processor, device=self.device)
        rows: dict[int, torch.Tensor] = {}
        for shared, places in grouped(calls):
            group = [calls[place] for place in places]
            if not shared:
                logits = self.model(**self._inputs(group), logits_to_keep=1).logits[:, -1]
            else:
                digests = [[picture.digest for _, picture in call.pictures] for call in group]
                logits = transformers_prefix.last_logits(
                    self.model,
                    self.processor,
                    self._texts(group),
                    [[read[name] for name in names] for names in digests],
                    shared=shared,
                    key=(group[0].system, *digests[0][:shared]),
                    cache=self.prefixes,
                )
            rows |= dict(zip(places, logits, strict=True))
        return torch.stack([rows[place] for place in range(len(calls))])

    def words(self, call: Call) -> str:
        with torch.inference_mode():
            inputs = self._inputs([call])
            generated = self.model.generate(**inputs, max_new_tokens=WORDS, do_sample=False)
        return str(self.processor.decode(generated[0][inputs["input_ids"].shape[1] :], skip_special_tokens=True))

    def tokens(self, label: str) -> list[int]:
        return _tokens(self.processor, label)

    def _texts(self, calls: Sequence[Call]) -> list[str]:
        return [
            self.processor.apply_chat_template(messages(call), add_generation_prompt=True, tokenize=False, **self.chat)
            for call in calls
        ]

    def _inputs(self, calls: Sequence[Call]) -> Any:
        texts = self._texts(calls)
        images = [[Image.open(io.BytesIO(shown.jpeg())).convert("RGB") for _, shown in call.pictures] for call in calls]
        return self.processor(text=texts, images=images, padding=True, return_tensors="pt").to(self.device)


def messages(call: Call) -> list[dict[str, Any]]:
    """In the order of the wire: caption, picture, caption, picture, ..., the question."""
    content: list[dict[str, Any]] = []
    for caption, _ in call.pictures:
        content += [{"type": "text", "text": caption}, {"type": "image"}]
    content.append({"type": "text", "text": call.text})
    return [
        {"role": "system", "content": [{"type": "text", "text": call.system}]},
        {"role": "user", "content": content},
    ]


def licence_of(name: str, *, revision: str | None) -> str:
    """By the card in a folder, or in this machine's copy of the hub; "" where neither names one."""
    path: Any = Path(name) / CARD
    if not Path(name).is_dir():
        from huggingface_hub import try_to_load_from_cache  # comes with transformers

        path = try_to_load_from_cache(name, CARD, revision=revision)
    if not isinstance(path, str | Path) or not Path(path).is_file():
        return ""
    block = Path(path).read_text(errors="replace").split("\n---", 1)[0]
    named = LICENCE.search(block) if block.startswith("---") else None
    return named.group(1) if named else ""


@lru_cache(maxsize=256)
def _tokens(processor: Any, label: str) -> list[int]:
    tokenizer = processor.tokenizer
    ways = [tokenizer.encode(way, add_special_tokens=False) for way in (label, f" {label}")]
    single = sorted({way[0] for way in ways if len(way) == 1 and way[0] != tokenizer.unk_token_id})
    if not single:
        raise ValueError(f"{label!r} is not one token for this model: it needs other labels")
    return single


def out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError)


def tidy() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
