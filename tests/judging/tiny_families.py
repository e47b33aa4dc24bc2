"""Untrained models of families whose whole processor needs torchvision: what loading and asking them needs, no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import (
    Glm4vConfig,
    Glm4vForConditionalGeneration,
    Glm4vImageProcessorPil,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLImageProcessorPil,
)

from tests.judging.tiny_vlm import CHAT, short_version, tokenizer

PIXELS = {"shortest_edge": 56 * 56, "longest_edge": 56 * 56}
TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "bos_token_id": None,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]},
}


def saved(folder: Path, family: str) -> Path:
    torch.manual_seed(0)
    words = tokenizer(short_version(), placeholders=("<image>", "<video>", "<vision>", "</vision>"))
    words.chat_template = CHAT
    ids = {name: words.convert_tokens_to_ids(f"<{name}>") for name in ("image", "video", "vision", "/vision")}
    model, pictures = {"qwen2_5_vl": qwen, "glm4v": glm}[family](len(words), ids, pad=words.pad_token_id)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    pictures.save_pretrained(folder)
    return folder


def qwen(size: int, ids: dict[str, int], *, pad: int) -> tuple[Any, Any]:
    vision = {
        "depth": 1,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 32,
        "fullatt_block_indexes": [0],
        "window_size": 56,
    }
    config = Qwen2_5_VLConfig(
        text_config={**TEXT, "vocab_size": size, "pad_token_id": pad, "eos_token_id": pad},
        vision_config=vision,
        image_token_id=ids["image"],
        video_token_id=ids["video"],
        vision_start_token_id=ids["vision"],
        vision_end_token_id=ids["/vision"],
    )
    return Qwen2_5_VLForConditionalGeneration(config), Qwen2VLImageProcessorPil(size=PIXELS)


def glm(size: int, ids: dict[str, int], *, pad: int) -> tuple[Any, Any]:
    vision = {
        "depth": 1,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 32,
        "image_size": 56,
    }
    config = Glm4vConfig(
        text_config={**TEXT, "vocab_size": size, "pad_token_id": pad, "eos_token_id": pad},
        vision_config=vision,
        image_token_id=ids["image"],
        video_token_id=ids["video"],
        image_start_token_id=ids["vision"],
        image_end_token_id=ids["/vision"],
        video_start_token_id=ids["vision"],
        video_end_token_id=ids["/vision"],
    )
    return Glm4vForConditionalGeneration(config), Glm4vImageProcessorPil(size=PIXELS)
