"""How are questions that begin with the same pictures answered together?  What they share is read once.

The challengers of a prompt are all shown beside the same reference, and most of them beside the leader's sheet: two
thirds of such a question's tokens are those of the question before.  Their keys and values are kept, and only the rest
of each question goes through the model.  Only for families put together from their halves (`transformers_words`).
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

MOST_PREFIXES = 4  # kept at once: of a 7B model, two pictures of 896 pixels take about 0.12 GB


@dataclass(frozen=True)
class PicturePatches:
    """A picture as a model reads it.  `grid`: how many patches in time, height and width."""

    pixels: torch.Tensor
    grid: torch.Tensor


@dataclass
class PrefixCache:
    """Keys and values of the newest beginnings, and how often one served again."""

    entries: OrderedDict[tuple[Any, ...], Any] = field(default_factory=OrderedDict)
    hits: int = 0

    def get(self, key: tuple[Any, ...]) -> Any:
        if key not in self.entries:
            return None
        self.hits += 1
        self.entries.move_to_end(key)
        return self.entries[key]

    def keep(self, key: tuple[Any, ...], values: Any) -> None:
        self.entries[key] = values
        while len(self.entries) > MOST_PREFIXES:
            self.entries.popitem(last=False)


def last_logits(
    model: Any,
    processor: Any,
    texts: Sequence[str],
    pictures: Sequence[Sequence[PicturePatches]],
    *,
    shared: int,
    key: tuple[Any, ...],
    cache: PrefixCache,
) -> torch.Tensor:
    """The logits after each text's last token.  The first `shared` pictures, and the words up to their end, are alike.

    Raises ValueError where the words before the end of the shared pictures differ.
    """
    device = model.device
    grids = torch.stack([shown.grid for row in pictures for shown in row])
    words = processor.words(texts, grids=grids, padding=True, padding_side="right", return_tensors="pt").to(device)
    ids, mask = words["input_ids"], words["attention_mask"]
    positions, _ = model.model.get_rope_index(
        ids, mm_token_type_ids=words["mm_token_type_ids"], image_grid_thw=grids.to(device), attention_mask=mask
    )
    tokens = sum(processor.tokens_of(shown.grid) for shown in pictures[0][:shared])
    cut = int((ids[0] == processor.image_token_id).nonzero()[tokens - 1]) + 1
    if not bool((ids[:, :cut] == ids[0, :cut]).all()):
        raise ValueError("these questions do not begin with the same words")
    beginning = cache.get(key)
    if beginning is None:
        read = model.model(
            input_ids=ids[:1, :cut],
            position_ids=positions[:, :1, :cut],
            use_cache=True,
            **_pixels(pictures[0][:shared], device),
        )
        beginning = read.past_key_values
        cache.keep(key, beginning)
    values = copy.deepcopy(beginning)  # the pass below appends to it
    values.batch_repeat_interleave(len(texts))
    rest = [shown for row in pictures for shown in row[shared:]]
    states = model.model(
        input_ids=ids[:, cut:],
        attention_mask=mask,
        position_ids=positions[:, :, cut:],
        past_key_values=values,
        use_cache=True,
        **_pixels(rest, device),
    ).last_hidden_state
    ends = mask.sum(dim=1) - 1 - cut
    return torch.as_tensor(model.lm_head(states[torch.arange(len(texts), device=device), ends]))


def _pixels(pictures: Sequence[PicturePatches], device: Any) -> dict[str, torch.Tensor]:
    if not pictures:
        return {}
    pixels = torch.cat([shown.pixels.to(device) for shown in pictures])
    return {"pixel_values": pixels, "image_grid_thw": torch.stack([shown.grid for shown in pictures]).to(device)}


def patches_of(image: Any, processor: Any, *, device: str) -> PicturePatches:
    """Cut up on the card where this knows how (Qwen2.5-VL and Qwen3-VL), else by the family's own code on the CPU."""
    how = processor.image_processor
    if device == "cpu" or type(how).__name__ != "Qwen2VLImageProcessorPil":
        read = how(images=[image], return_tensors="pt")
        return PicturePatches(read["pixel_values"], read["image_grid_thw"][0])
    return cut_up(image, how, device=device)


def cut_up(image: Any, how: Any, *, device: str) -> PicturePatches:
    """Scales, normalises and cuts a picture as Qwen2-VL's own processor does, on `device`."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize  # other families never need it

    size, merge, times = how.patch_size, how.merge_size, how.temporal_patch_size
    pixels = torch.from_numpy(np.array(image)).to(device).permute(2, 0, 1).float()[None]
    height, width = smart_resize(
        *pixels.shape[-2:],
        factor=size * merge,
        min_pixels=how.size["shortest_edge"],
        max_pixels=how.size["longest_edge"],
    )
    if (height, width) != tuple(pixels.shape[-2:]):
        pixels = torch.nn.functional.interpolate(pixels, (height, width), mode="bicubic", antialias=True)
        pixels = pixels.round().clamp(0, 255)
    mean, deviation = (torch.tensor(v, device=device)[:, None, None] for v in (how.image_mean, how.image_std))
    pixels = (pixels * how.rescale_factor - mean) / deviation
    rows, columns = height // size, width // size
    cut = pixels.expand(times, -1, -1, -1).reshape(
        1, times, pixels.shape[1], rows // merge, merge, size, columns // merge, merge, size
    )
    cut = cut.permute(0, 3, 6, 4, 7, 2, 1, 5, 8).reshape(rows * columns, -1)
    return PicturePatches(cut, torch.tensor([1, rows, columns]))
