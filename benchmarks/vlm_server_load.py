"""What does a question cost a simulated graphics card?  Tokens that are read, but for the prefix it still knows."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.vlm_server_mind import parts


@dataclass
class Card:
    """A round guess at a 7B model on one big GPU; only ratios of its seconds mean anything.

    `cache_tokens`: how much of what it read it still knows, whole pieces of prompts from their beginning on;
    `sees`: whether pictures are read as such, or their addresses as words.
    """

    tokens_per_picture: int = 1024
    sees: bool = True
    characters_per_token: float = 4.0
    read_per_s: float = 12_000.0
    write_per_s: float = 1_500.0  # over all requests in a batch
    cache_tokens: int = 400_000
    known: OrderedDict[str, int] = field(default_factory=OrderedDict)
    held: int = 0
    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    gpu_seconds: float = 0.0

    def take(self, body: Mapping[str, Any], *, completion_tokens: int) -> float:
        """Seconds of the card for this request; also counted."""
        total, cached = self._read(body)
        seconds = (total - cached) / self.read_per_s + completion_tokens / self.write_per_s
        self.calls += 1
        self.prompt_tokens += total
        self.cached_tokens += cached
        self.completion_tokens += completion_tokens
        self.gpu_seconds += seconds
        return seconds

    def _read(self, body: Mapping[str, Any]) -> tuple[int, int]:
        total = cached = 0
        prefix, warm = b"", True
        for kind, content in parts(body, sees=self.sees):
            tokens = (
                self.tokens_per_picture if kind == "picture" else max(1, int(len(content) / self.characters_per_token))
            )
            prefix = hashlib.sha256(prefix + content.encode()).digest()
            warm = self._knows(prefix.hex(), tokens) and warm
            total += tokens
            cached += tokens if warm else 0
        return total, cached

    def _knows(self, prefix: str, tokens: int) -> bool:
        if prefix in self.known:
            self.known.move_to_end(prefix)
            return True
        self.known[prefix] = tokens
        self.held += tokens
        while self.held > self.cache_tokens:
            self.held -= self.known.popitem(last=False)[1]
        return False

    def stats(self) -> dict[str, Any]:
        names = ("calls", "prompt_tokens", "cached_tokens", "completion_tokens", "gpu_seconds")
        return {name: getattr(self, name) for name in names}
