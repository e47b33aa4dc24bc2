"""How are pictures and words prepared for a model whose processor needs torchvision, which is not installed?

Processors with a video part (Qwen2.5-VL, Qwen3-VL, GLM-4V) need torchvision.  Their picture and word parts load without
it; what the whole processor would add is the count of placeholder tokens per picture.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoConfig, AutoImageProcessor, AutoProcessor, AutoTokenizer, BatchFeature


def processor_of(name: str, *, revision: str | None) -> Any:
    """Pads on the left, so that the last position is the answer's for every question of a batch."""
    try:
        whole = AutoProcessor.from_pretrained(name, revision=revision)
        if not hasattr(whole, "tokenizer") or not hasattr(whole, "image_processor"):
            raise ImportError("only a part of the processor was loaded")
    except (ImportError, ValueError, OSError):
        whole = Halves(name, revision=revision)
    whole.tokenizer.padding_side = "left"
    return whole


class Halves:
    """A picture processor and a tokenizer, put together as Qwen-VL and GLM-4V do it."""

    def __init__(self, name: str, *, revision: str | None) -> None:
        config = AutoConfig.from_pretrained(name, revision=revision)
        self.tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
        self.image_processor = AutoImageProcessor.from_pretrained(name, revision=revision, backend="pil")
        self.placeholder = self.tokenizer.convert_ids_to_tokens(config.image_token_id)
        self.image_token_id = config.image_token_id

    def apply_chat_template(self, messages: Any, **how: Any) -> str:
        return str(self.tokenizer.apply_chat_template(messages, **how))

    def decode(self, tokens: Any, **how: Any) -> str:
        return str(self.tokenizer.decode(tokens, **how))

    def __call__(self, *, text: Sequence[str], images: Sequence[Sequence[Any]], padding: bool, **how: Any) -> Any:
        pictures = self.image_processor(images=[image for row in images for image in row], **how)
        words = self.words(text, grids=pictures["image_grid_thw"], padding=padding, **how)
        return BatchFeature({**words, **pictures})

    def words(self, text: Sequence[str], *, grids: Any, **how: Any) -> Any:
        """Tokens, mask and kinds of token.  `grids`: of each picture, time, height and width in patches."""
        counts = iter([self.tokens_of(grid) for grid in grids])
        words = self.tokenizer([self._spread(row, counts) for row in text], **how)
        kinds = (words["input_ids"] == self.image_token_id).to(torch.int32)  # 1: a picture's token
        return BatchFeature({**words, "mm_token_type_ids": kinds})

    def tokens_of(self, grid: Any) -> int:
        return int(grid.prod()) // int(self.image_processor.merge_size) ** 2

    def _spread(self, text: str, counts: Any) -> str:
        """One placeholder for each piece of a picture instead of one for the whole."""
        first, *rest = text.split(self.placeholder)
        return first + "".join(self.placeholder * next(counts) + piece for piece in rest)
