"""Does the code hold a key or a password?  Whatever is published here is public for ever, and belongs to somebody.

The patterns are detect-secrets' own, and some of ours that it does not know yet.  Excerpts are masked: a public page
must not spread what was found.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from typing import Any

from audits.source.findings import PERSON, SourceFinding, excerpt
from audits.source.obfuscation import entropy
from audits.source.tree import Tree

SHAPES = (
    ("Hugging Face token", re.compile(r"\bhf_[A-Za-z0-9]{30,40}\b")),
    ("OpenAI key", re.compile(r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}")),
    ("Anthropic key", re.compile(r"\bsk-ant-[A-Za-z0-9_-]{20,}")),
    ("Google key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("GitHub token", re.compile(r"\bgithub_pat_[A-Za-z0-9_]{40,}")),
    ("Replicate token", re.compile(r"\br8_[A-Za-z0-9]{30,}")),
    ("Weights & Biases key", re.compile(r"(?i)wandb[^\n]{0,30}[\"'= ][0-9a-f]{40}\b")),
    ("RunPod key", re.compile(r"\brpa_[A-Z0-9]{30,}")),
    (
        "mnemonic or seed",
        re.compile(r"(?i)(?:mnemonic|seed_?phrase)\s*[=:]\s*[\"'](?:[a-z]{3,8} ){11,23}[a-z]{3,8}[\"']"),
    ),
)
NAMED = re.compile(
    r"(?i)(?:api_?key|secret|token|passw(?:or)?d|access_?key|private_?key|auth)\w*[\"']?\s*[:=]\s*"
    r"[\"'](?P<value>[^\"'\s]{12,200})[\"']"
)
PLACEHOLDER = re.compile(r"(?i)your|xxx|example|change|placeholder|dummy|<|\$\{|\{\{|none|null|todo|secret|test|\.\.\.")
NOISY = 3.3  # bits a letter: words stay below, keys lie above
PLUGINS = (
    "artifactory.ArtifactoryDetector",
    "aws.AWSKeyDetector",
    "azure_storage_key.AzureStorageKeyDetector",
    "basic_auth.BasicAuthDetector",
    "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector",
    "gitlab_token.GitLabTokenDetector",
    "jwt.JwtTokenDetector",
    "mailchimp.MailchimpDetector",
    "npm.NpmDetector",
    "openai.OpenAIDetector",
    "private_key.PrivateKeyDetector",
    "pypi_token.PypiTokenDetector",
    "sendgrid.SendGridDetector",
    "slack.SlackDetector",
    "square_oauth.SquareOAuthDetector",
    "stripe.StripeDetector",
    "telegram_token.TelegramBotTokenDetector",
    "twilio.TwilioKeyDetector",
)


def check(tree: Tree) -> Iterator[SourceFinding]:
    for source in tree.files:
        if source.text is None:
            continue
        for number, line in enumerate(source.lines(), start=1):
            if secret := _kind(source.path, line, number):
                kind, value = secret
                why = f"It looks like a {kind}. Whoever owns it should withdraw it: this repository is public."
                shown = masked(line, value)
                yield SourceFinding(
                    severity=PERSON, rule="secret", sentence=why, file=source.path, line=number, excerpt=shown
                )


def _kind(path: str, line: str, number: int) -> tuple[str, str] | None:
    if len(line) < 12:
        return None
    for kind, shape in SHAPES:
        if matched := shape.search(line):
            return kind, matched[0]
    for plugin in _plugins():
        for secret in plugin.analyze_line(filename=path, line=line, line_number=number):
            value = str(secret.secret_value or "")
            if not PLACEHOLDER.search(value):
                return secret.type, value
    named = NAMED.search(line)
    if named and not PLACEHOLDER.search(named["value"]) and entropy(named["value"].encode()) > NOISY:
        return "key or password", named["value"]
    return None


def masked(line: str, value: str) -> str:
    shown = line.replace(value, value[:4] + "\u2026") if len(value) > 4 else line[:20] + "\u2026"
    return excerpt(shown)


@cache
def _plugins() -> tuple[Any, ...]:
    made = []
    for name in PLUGINS:
        module, _, plugin = name.partition(".")
        made.append(getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), plugin)())
    return tuple(made)


def version() -> str:
    return metadata.version("detect-secrets")
