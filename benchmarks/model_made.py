"""A vision-language model of a real size with random weights: as fast as a trained one, and nothing to download.

The form is Qwen2.5-VL's.  Needs requirements-gpu.txt; only `benchmarks.model_speed` and its test load it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForImageTextToText,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2VLImageProcessorPil,
)

from judging.panel.questions.calls import MODELS, REFERENCE
from judging.panel.questions.version import JudgeVersion
from judging.panel.transformers_model import Loaded
from judging.panel.transformers_words import processor_of

CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<vision><image></vision>{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant{% endif %}"
)
SPECIAL = ["<pad>", "<unk>", "<|im_start|>", "<|im_end|>", "<image>", "<video>", "<vision>", "</vision>"]
LARGE_EYES = {
    "depth": 32,
    "hidden_size": 1280,
    "intermediate_size": 3420,
    "num_heads": 16,
    "window_size": 112,
    "fullatt_block_indexes": [7, 15, 23, 31],
}
# Name -> (the language half, the seeing half, tokens in its table).  What Qwen2.5-VL's own configurations say.
SIZES: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    "tiny": (
        {
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "mrope": [1, 1, 2],
        },
        {
            "depth": 1,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "window_size": 56,
            "fullatt_block_indexes": [0],
        },
        2_000,
    ),
    "3b": (
        {
            "hidden_size": 2048,
            "intermediate_size": 11008,
            "num_hidden_layers": 36,
            "num_attention_heads": 16,
            "num_key_value_heads": 2,
            "mrope": [16, 24, 24],
        },
        LARGE_EYES,
        151_936,
    ),
    "7b": (
        {
            "hidden_size": 3584,
            "intermediate_size": 18944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "mrope": [16, 24, 24],
        },
        LARGE_EYES,
        152_064,
    ),
}


def made(
    size: str, version: JudgeVersion, *, device: str, attention: str = "sdpa", shares_beginnings: bool = False
) -> Loaded:
    """The model on `device`, half precision on a card, with a processor that sees pictures of the version's size.

    `attention`: `sdpa`, or `flash_attention_2` where that package is installed.
    """
    words = _tokenizer(version)
    config = _config(size, words)
    with tempfile.TemporaryDirectory() as folder:
        pixels = {"shortest_edge": 56 * 56, "longest_edge": version.pixels**2}
        for part in (config, words, Qwen2VLImageProcessorPil(size=pixels)):
            part.save_pretrained(Path(folder))
        processor = processor_of(folder, revision=None)
    torch.manual_seed(0)
    with torch.device(device):
        model = AutoModelForImageTextToText.from_config(config, dtype=_precision(device), attn_implementation=attention)
    return Loaded(model.eval(), processor, device, shares_beginnings=shares_beginnings)


def _precision(device: str) -> torch.dtype:
    return torch.float32 if device == "cpu" else torch.bfloat16


def _config(size: str, words: PreTrainedTokenizerFast) -> Qwen2_5_VLConfig:
    text, eyes, table = SIZES[size]
    rope = {"rope_type": "default", "rope_theta": 1_000_000.0, "mrope_section": text["mrope"]}
    ids = {name: words.convert_tokens_to_ids(f"<{name}>") for name in ("image", "video", "vision", "/vision")}
    told = {name: value for name, value in text.items() if name != "mrope"}
    return Qwen2_5_VLConfig(
        text_config={
            **told,
            "vocab_size": table,
            "max_position_embeddings": 32_768,
            "rope_parameters": rope,
            "bos_token_id": None,
            "pad_token_id": words.pad_token_id,
            "eos_token_id": words.eos_token_id,
        },
        vision_config={**eyes, "out_hidden_size": text["hidden_size"]},
        image_token_id=ids["image"],
        video_token_id=ids["video"],
        vision_start_token_id=ids["vision"],
        vision_end_token_id=ids["/vision"],
    )


def _tokenizer(version: JudgeVersion) -> PreTrainedTokenizerFast:
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    corpus = [version.system, *(t.asks for t in version.templates.values()), REFERENCE, *MODELS] * 4
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=1500, special_tokens=SPECIAL, initial_alphabet=alphabet)
    made.train_from_iterator(corpus, trainer)
    words = PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        unk_token="<unk>",
        eos_token="<|im_end|>",
        additional_special_tokens=SPECIAL[2:],
    )
    words.chat_template = CHAT
    return words
