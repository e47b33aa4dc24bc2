"""A Qwen2.5-VL of a million random weights that answers with digits: `python -m tests.servers.tiny_qwen FOLDER`.

Run in a server's own environment (torch, transformers and torchvision), for the files of a model and its processor are
those of the version that reads them; no hub is asked.  The weights are random but for one thing: the first number of
every token's state is a constant, and the digits that the judge's labels are made of get their lead from it.  So what
the model says of a picture is nonsense that differs from picture to picture, the labels have nearly all probability,
and letters have nearly none: a mass before masking can be told from one after it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

from judging.panel.questions.calls import MODELS, REFERENCE
from judging.panel.questions.version import version_named

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
DIGITS = "0123456"  # every label of a judge version
LEAD = 14.0  # logits: e^14 to one for a digit against any other token
CONSTANT = 8.0  # of a token's state; the others are of size 0.02 to 1
PIXELS = {"shortest_edge": 56 * 56, "longest_edge": 112 * 112}
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] in ('image', 'image_url') %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in c %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# Heads of 32: the smallest that servers have kernels for.
TEXT: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0, "mrope_section": [4, 6, 6]},
}
VISION: dict[str, Any] = {
    "depth": 2,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_heads": 2,
    "out_hidden_size": 128,
    "fullatt_block_indexes": [1],
    "window_size": 112,
}


def tokenizer() -> PreTrainedTokenizerFast:
    version = version_named("vlm-2")
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    corpus = [version.system, *(template.asks for template in version.templates.values()), REFERENCE, *MODELS]
    trainer = trainers.BpeTrainer(
        vocab_size=1000, special_tokens=[*SPECIAL], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    made.train_from_iterator(corpus * 4, trainer)
    words = PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=[*SPECIAL[1:]],
        model_max_length=4096,
    )
    words.chat_template = CHAT
    for name in ("image", "video"):  # what the processor asks its tokenizer for
        setattr(words, f"{name}_token", f"<|{name}_pad|>")
    return words


def model(words: PreTrainedTokenizerFast) -> Qwen2_5_VLForConditionalGeneration:
    ids = {token: words.convert_tokens_to_ids(token) for token in SPECIAL}
    config = Qwen2_5_VLConfig(
        text_config={
            **TEXT,
            "vocab_size": 1024,
            "bos_token_id": None,
            "pad_token_id": ids["<|endoftext|>"],
            "eos_token_id": ids["<|im_end|>"],
        },
        vision_config=VISION,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=False,
    )
    torch.manual_seed(0)
    made = Qwen2_5_VLForConditionalGeneration(config).eval()
    with torch.no_grad():
        for weight in made.parameters():
            if weight.ndim > 1:
                weight.normal_(0, 0.05)
        made.lm_head.weight.normal_(0, 0.3)
        give_lead(made, [words.convert_tokens_to_ids(digit) for digit in DIGITS])
    return made


def give_lead(made: Any, digits: list[int]) -> None:
    """Holds the first number of every token's state constant, and gives the digits' logits `LEAD` from it."""
    text, merger = made.model.language_model, made.model.visual.merger.mlp[2]
    text.embed_tokens.weight[:, 0] = CONSTANT
    merger.weight[0], merger.bias[0] = 0, CONSTANT
    for layer in text.layers:
        layer.self_attn.o_proj.weight[0] = 0
        layer.mlp.down_proj.weight[0] = 0
    made.lm_head.weight[:, 0] = 0
    # The final norm divides by the state's own size, which the constant is most of: about sqrt(128) remains of it.
    made.lm_head.weight[digits, 0] = LEAD / TEXT["hidden_size"] ** 0.5


def save(folder: Path) -> Path:
    """Weights, configuration, tokenizer and processor, as a hub's folder would hold them."""
    words = tokenizer()
    processor = Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=PIXELS),
        tokenizer=words,
        video_processor=Qwen2VLVideoProcessor(size=PIXELS),
        chat_template=CHAT,
    )
    processor.save_pretrained(folder)
    made = model(words)
    made.generation_config.eos_token_id = words.eos_token_id
    made.generation_config.pad_token_id = words.pad_token_id
    made.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    print(save(Path(sys.argv[1])))
