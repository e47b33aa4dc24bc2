"""A vision-language model of 0.2 million parameters that prefers the redder picture: built and trained in seconds.

It speaks the protocol's own words, so a judge that loads it behaves: it finds the redder of two assets, whichever place
they are in, and no side of any asset spoiled.  Needs torch and transformers; import it inside a test only.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from judging.panel.questions.calls import MODELS, REFERENCE
from judging.panel.questions.version import JudgeVersion, version_named

SIDE, PATCH = 32, 16
# As a judge version says it, in few words: a small model reads short sentences quickly.
WORDS = {
    "likeness": "better?",
    "artifacts": "better?",
    "detail": "better?",
    "gray": "better?",
    "best_view": "which view?",
    "parts": "name parts",
    "checklist": "how many of {parts}",
    "sides": "how many spoiled?",
}
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant{% endif %}"
)
PARTS = json.dumps({"parts": [f"part {letter}" for letter in "abcdef"]})
torch.set_num_threads(1)  # so small a model is slower with more
SPECIAL = ["<pad>", "<unk>", "<|im_start|>", "<|im_end|>"]
STEPS = 400


def short_version() -> JudgeVersion:
    version = version_named("vlm-2")
    templates = {kind: replace(template, asks=WORDS[kind]) for kind, template in version.templates.items()}
    return replace(version, name="tiny", model="tiny", revision="0", system="", pixels=64, templates=templates)


def tokenizer(version: JudgeVersion, *, placeholders: Sequence[str] = ("<image>",)) -> PreTrainedTokenizerFast:
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    corpus = [version.system, *(t.asks for t in version.templates.values()), REFERENCE, *MODELS, PARTS] * 4
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        corpus,
        trainers.BpeTrainer(vocab_size=1500, special_tokens=[*SPECIAL, *placeholders], initial_alphabet=alphabet),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        unk_token="<unk>",
        eos_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>", *placeholders],
    )


def built(version: JudgeVersion) -> tuple[Any, Any]:
    """An untrained model and its processor."""
    torch.manual_seed(0)
    words = tokenizer(version)
    pictures = CLIPImageProcessorPil(size={"height": SIDE, "width": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    processor = LlavaProcessor(
        image_processor=pictures,
        tokenizer=words,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT,
        image_token="<image>",
    )
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=PATCH,
        projection_dim=32,
    )
    text = LlamaConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
        bos_token_id=None,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_id=words.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
    )
    return LlavaForConditionalGeneration(config), processor


def example(version: JudgeVersion, luck: random.Random) -> tuple[list[dict[str, Any]], list[Image.Image], str]:
    """(messages, pictures, the right answer)"""
    reds = [luck.uniform(0, 1) for _ in range(2)]
    kind = luck.choice(["likeness"] * 9 + ["sides", "checklist", "best_view"])
    template = version.templates[kind]
    if template.about == "pair":
        label = "2" if reds[1] > reds[0] else "1"
    else:
        reds, label = reds[:1], {"sides": "0", "checklist": "3", "best_view": "1"}[kind]
    pictures = [flat(0.5, luck), *(flat(red, luck) for red in reds)]
    text = template.asks.replace("{parts}", "; ".join(json.loads(PARTS)["parts"]) + ".")
    content: list[dict[str, Any]] = []
    for caption, _ in zip((REFERENCE, *MODELS), pictures, strict=False):
        content += [{"type": "text", "text": caption}, {"type": "image"}]
    system = {"role": "system", "content": [{"type": "text", "text": version.system}]}
    return [system, {"role": "user", "content": [*content, {"type": "text", "text": text}]}], pictures, label


def flat(red: float, luck: random.Random) -> Image.Image:
    """One colour: as red as `red`, with a little of the other channels."""
    other = [luck.randint(0, 60) for _ in range(2)]
    return Image.new("RGB", (SIDE, SIDE), (round(255 * red), *other))


def trained(version: JudgeVersion, *, steps: int, batch: int = 12, seed: int = 1) -> tuple[Any, Any]:
    model, processor = built(version)
    processor.tokenizer.padding_side = "left"
    luck = random.Random(seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    model.train()
    for step in range(steps):
        examples = [example(version, luck) for _ in range(batch)]
        texts = [processor.apply_chat_template(m, add_generation_prompt=True, tokenize=False) for m, _, _ in examples]
        inputs = processor(text=texts, images=[p for _, p, _ in examples], padding=True, return_tensors="pt")
        wanted = torch.tensor(
            [processor.tokenizer.encode(label, add_special_tokens=False)[0] for *_, label in examples]
        )
        logits = model(**inputs, logits_to_keep=1).logits[:, -1]
        loss = torch.nn.functional.cross_entropy(logits, wanted)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        plan.step()
        if __name__ == "__main__" and step % 25 == 0:
            print(step, float(loss), inputs["input_ids"].shape, flush=True)
    return model.eval(), processor


def saved(folder: Path, *, steps: int) -> Path:
    model, processor = trained(short_version(), steps=steps)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    began = time.monotonic()
    version = short_version()
    model, processor = trained(version, steps=int(sys.argv[1]))
    luck, right, pairs = random.Random(99), 0, 0
    for _ in range(200):
        told, shown, label = example(version, luck)
        text = processor.apply_chat_template(told, add_generation_prompt=True, tokenize=False)
        inputs = processor(text=[text], images=[shown], return_tensors="pt")
        with torch.inference_mode():
            said = processor.tokenizer.decode(model(**inputs, logits_to_keep=1).logits[0, -1].argmax())
        if len(shown) == 3:
            pairs += 1
            right += said == label
    print(f"{right} of {pairs} pairs right after {time.monotonic() - began:.0f} s, {inputs['input_ids'].shape}")
