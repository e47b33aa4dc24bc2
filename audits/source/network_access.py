"""Does the code reach out of the pod when it runs?  A pod has no network of its own: what it asks for would be missing.

Fetching the prompts' pictures from the addresses that the batch names is its work; an address of its own is not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from audits.source import python
from audits.source.findings import NOTICE, PERSON, SourceFinding, excerpt
from audits.source.python import Module
from audits.source.tree import SourceFile, Tree

SERVICES = (
    "openai",
    "anthropic",
    "replicate",
    "fal_client",
    "google.generativeai",
    "google.genai",
    "vertexai",
    "cohere",
    "mistralai",
    "together",
    "groq",
    "meshy",
    "tripo3d",
    "stability_sdk",
    "boto3",
    "google.cloud",
    "azure",
    "paramiko",
    "ftplib",
    "smtplib",
    "telegram",
    "dns.resolver",
    "dns",
    "socks",
    "wandb",
    "sentry_sdk",
    "posthog",
    "gradio_client",
    "runpod",
    "modal",
    "pusher",
    "pymongo",
    "redis",
    "psycopg",
    "pymysql",
    "websocket",
    "websockets",
    "pysftp",
)
NETWORK = (
    "requests",
    "httpx",
    "urllib",
    "urllib3",
    "aiohttp",
    "http.client",
    "socket",
    "pycurl",
    "asyncio",
    "ssl",
    "grpc",
    "httplib2",
    "treq",
    "tornado.httpclient",
    "ctypes",
)
HOST_CALLS = re.compile(
    r"(?:socket\.(?:create_connection|gethostbyname|gethostbyname_ex|getaddrinfo)|http\.client\.HTTPS?Connection"
    r"|asyncio\.open_connection|.*\.(?:connect|sendto))"
)
SHELLS = re.compile(
    r"(?:os\.(?:system|popen|exec[lv]p?e?|spawn[lv]p?e?)|subprocess\.\w+|asyncio\.create_subprocess_\w+|pty\.spawn)"
)
FETCHERS = re.compile(
    r"(?:^|[\s;|&(/'\"])(?:curl|wget|aria2c|ssh|scp|rsync|nc|ncat|netcat|telnet|ftp|dig|nslookup|git\s+clone|git\s+pull"
    r"|pip[0-9.]*\s+install|apt(?:-get)?\s+install|npm\s+install|conda\s+install|huggingface-cli\s+download|hf\s+download"
    r"|aws\s+s3|gsutil|azcopy|rclone)(?=$|[\s'\";)])"
)
URL = re.compile(r"(?:https?|wss?|ftps?|s3|gs|tcp|udp|quic|grpc)://[^\s'\"<>\\]{3,}", re.IGNORECASE)
LOOPBACK = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?|0\.0\.0\.0|\[?::\]?|\u2026.*|)", re.IGNORECASE)
# Names of XML and JSON formats look like addresses and are never dialled.
NAMES_ONLY = frozenset(
    {"www.w3.org", "schemas.microsoft.com", "json-schema.org", "example.com", "example.org", "docs.gl"}
)
HOST_NAME = re.compile(r"(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}|\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]+")
SCRIPTS = (".sh", ".bash", ".zsh")
VERIFIED = re.compile(r"sha(?:256|512)sum\s+(?:-c|--check)|shasum\s+-a\s*(?:256|512)\s+-c")
WHY = "A pod has no network of its own: what this asks for is not in the commit, and would not be there."


def check(tree: Tree) -> Iterator[SourceFinding]:
    for module in python.modules(tree):
        for rule in MODULE_RULES:
            yield from rule(module)
    for source in tree.files:
        first = (source.text or "")[:100].partition("\n")[0].rstrip()
        if source.path.endswith(SCRIPTS) or (first.startswith("#!") and first.endswith("sh")):
            yield from script_fetches(source)


def imported_services(module: Module) -> Iterator[SourceFinding]:
    """Packages whose work is done on somebody else's machine; each once."""
    known: set[str] = set()
    for node, name in module.imported():
        service = next((s for s in SERVICES if name == s or name.startswith(f"{s}.")), None)
        if service and service not in known:
            known.add(service)
            why = f"It imports {service}, whose work is done on somebody else's machine. {WHY}"
            yield module.finding(node, severity=PERSON, rule="outside_service", sentence=why)


def own_addresses(module: Module) -> Iterator[SourceFinding]:
    """An address of its own, in a file that can dial: whether it is put together or written out."""
    names = [name for _, name in module.imported()]
    if not any(name == known or name.startswith(f"{known}.") for name in names for known in NETWORK):
        return
    lines: set[int] = set()
    for node, text in module.texts():
        line = getattr(node, "lineno", 0)
        for address in URL.findall(text):
            if line not in lines and _is_outside(address):
                lines.add(line)
                why = f"It has an address of its own, {excerpt(address)}. {WHY}"
                yield module.finding(node, severity=PERSON, rule="network_at_run_time", sentence=why)


def _is_outside(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return True
    return not LOOPBACK.fullmatch(host) and host not in NAMES_ONLY


def dialled_hosts(module: Module) -> Iterator[SourceFinding]:
    """Hosts that are connected to, or looked up, by name or number."""
    for node, name in module.calls():
        if not HOST_CALLS.fullmatch(name):
            continue
        given = [*node.args, *(word.value for word in node.keywords if word.arg in ("host", "address"))]
        parts = [part.elts[0] if isinstance(part, ast.Tuple) and part.elts else part for part in given]
        for host in filter(None, map(module.text, parts)):
            named = HOST_NAME.fullmatch(host) and not LOOPBACK.fullmatch(host)
            if named or "\u2026." in host:
                why = f"It connects to, or asks for, {excerpt(host)}. {WHY}"
                yield module.finding(node, severity=PERSON, rule="network_at_run_time", sentence=why)
                break


def started_commands(module: Module) -> Iterator[SourceFinding]:
    """Programs that the code starts and that fetch from the network."""
    for node, name in module.calls():
        if not SHELLS.fullmatch(name):
            continue
        given = [part.elts if isinstance(part, ast.List | ast.Tuple) else [part] for part in node.args]
        words = [module.text(part) or "" for parts in given for part in parts]
        if matched := FETCHERS.search(" ".join(words)):
            why = f"It starts {excerpt(matched[0])}, which fetches from the network. {WHY}"
            yield module.finding(node, severity=PERSON, rule="network_at_run_time", sentence=why)


MODULE_RULES = (imported_services, own_addresses, dialled_hosts, started_commands)


def script_fetches(source: SourceFile) -> Iterator[SourceFinding]:
    """What a start script fetches is missing on a pod; what is checked against a hash is at least known."""
    verified = bool(VERIFIED.search(source.text or ""))
    for number, line in enumerate(source.lines(), start=1):
        matched = FETCHERS.search(line.partition("#")[0])
        if matched:
            severity = NOTICE if verified else PERSON
            why = f"The script calls {excerpt(matched[0])}, which fetches from the network. {WHY}"
            yield SourceFinding(
                severity=severity,
                rule="network_in_script",
                sentence=why,
                file=source.path,
                line=number,
                excerpt=excerpt(line),
            )
