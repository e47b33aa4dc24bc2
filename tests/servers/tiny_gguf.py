"""A Llama of random weights as one GGUF file, without eyes: `python -m tests.servers.tiny_gguf FILE`.

Run in llama.cpp's environment (gguf, tokenizers, numpy).  As in `tiny_qwen`, the digits have a lead over all other
tokens.  It serves to show what a judge says of a server whose model sees nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import gguf
import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from judging.panel.questions.calls import MODELS, REFERENCE
from judging.panel.questions.version import version_named

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
WIDTH, INNER, HEADS, KV_HEADS, LAYERS, CONTEXT = 128, 256, 4, 2, 2, 8192
DIGITS, LEAD, CONSTANT = "0123456", 14.0, 8.0
CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer() -> tuple[list[str], list[str]]:
    """(tokens by id, merges), as GPT-2 writes them."""
    version = version_named("vlm-2")
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    corpus = [version.system, *(template.asks for template in version.templates.values()), REFERENCE, *MODELS]
    trainer = trainers.BpeTrainer(
        vocab_size=1000, special_tokens=[*SPECIAL], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    made.train_from_iterator(corpus * 4, trainer)
    document = json.loads(made.to_str())["model"]
    by_id = sorted(document["vocab"], key=document["vocab"].__getitem__)
    return by_id, [row if isinstance(row, str) else " ".join(row) for row in document["merges"]]


def save(path: Path) -> Path:
    tokens, merges = tokenizer()
    out = gguf.GGUFWriter(path, "llama")
    out.add_name("tiny")
    out.add_context_length(CONTEXT)
    out.add_embedding_length(WIDTH)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(INNER)
    out.add_head_count(HEADS)
    out.add_head_count_kv(KV_HEADS)
    out.add_layer_norm_rms_eps(1e-6)
    out.add_rope_dimension_count(WIDTH // HEADS)
    out.add_vocab_size(len(tokens))
    out.add_file_type(gguf.LlamaFileType.ALL_F32)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("default")
    out.add_token_list(tokens)
    kinds = [gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in tokens]
    out.add_token_types(kinds)
    out.add_token_merges(merges)
    out.add_bos_token_id(0)
    out.add_eos_token_id(SPECIAL.index("<|im_end|>"))
    out.add_add_bos_token(False)
    out.add_chat_template(CHAT)
    for name, values in weights(tokens).items():
        out.add_tensor(name, values.astype(np.float32))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path


def weights(tokens: list[str]) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(0)

    def random(*shape: int) -> np.ndarray:
        return chance.normal(0, 0.05, shape)

    made = {
        "token_embd.weight": random(len(tokens), WIDTH),
        "output_norm.weight": np.ones(WIDTH),
        "output.weight": 6 * random(len(tokens), WIDTH),
    }
    made["token_embd.weight"][:, 0] = CONSTANT
    made["output.weight"][:, 0] = 0
    made["output.weight"][[tokens.index(digit) for digit in DIGITS], 0] = LEAD / WIDTH**0.5
    for layer in range(LAYERS):
        narrow = WIDTH // HEADS * KV_HEADS
        block = {
            "attn_norm": np.ones(WIDTH),
            "attn_q": random(WIDTH, WIDTH),
            "attn_k": random(narrow, WIDTH),
            "attn_v": random(narrow, WIDTH),
            "attn_output": random(WIDTH, WIDTH),
            "ffn_norm": np.ones(WIDTH),
            "ffn_gate": random(INNER, WIDTH),
            "ffn_up": random(INNER, WIDTH),
            "ffn_down": random(WIDTH, INNER),
        }
        block["attn_output"][0] = 0  # the first number of a token's state stays what it is
        block["ffn_down"][0] = 0
        made |= {f"blk.{layer}.{name}.weight": values for name, values in block.items()}
    return made


if __name__ == "__main__":
    print(save(Path(sys.argv[1])))
