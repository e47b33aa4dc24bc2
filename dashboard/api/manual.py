"""How does the documentation of each group of addresses read?  Written from OpenAPI, so never behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator

from dashboard.api import event_kinds, tokens

GROUPS: Mapping[str, str] = {
    "index": "Where does one begin?",
    "competitions": "Which competitions are there, and what stands behind them?",
    "rounds": "Which rounds were played, and how far is the one that runs?",
    "submissions": "Who entered with what, and what was wrong with the rest?",
    "prompts": "What was generated from?",
    "assets": "Which files were delivered, and what do they look like?",
    "matches": "Who met whom, and how close was it?",
    "duels": "What did the judge see and say, prompt by prompt?",
    "judge": "How well was the judge?",
    "audits": "On what evidence did a winner pass, or fail?",
    "weights": "Who leads, who is paid, and what proves it?",
    "ledger": "What happened, in an order nobody can edit?",
    "statistics": "What does it all add up to?",
    "miners": "Where does a miner stand, and why?",
    "me": "What can only the holder of a hotkey ask and do?",
    "webhooks": "How does a program hear of things without asking?",
}
NOTE = "<!-- written by `manage.py api_docs` from the OpenAPI document: change the views, not this page -->"
Schema = Mapping[str, Any]


def pages() -> dict[str, str]:
    """Group -> its page, for every group that has operations."""
    document = SchemaGenerator().get_schema(request=None, public=True)
    grouped: dict[str, list[tuple[str, str, Schema]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            grouped.setdefault(operation["tags"][0], []).append((path, method.upper(), operation))
    components = document["components"]["schemas"]
    return {group: _page(group, operations, components) for group, operations in sorted(grouped.items())}


def _page(group: str, operations: list[tuple[str, str, Schema]], components: Schema) -> str:
    lines = [f"# {group.capitalize()}", "", NOTE, "", f"{GROUPS[group]}  [All groups](README.md)", ""]
    used: dict[str, None] = {}
    for path, method, operation in operations:
        lines += _operation(path, method, operation, components)
        for response in operation["responses"].values():
            answer = response.get("content", {}).get("application/json", {}).get("schema", {})
            named = _references(_rows(answer, components) or answer)
            used |= dict.fromkeys(name for name in named if name != "Error")
    lines += SECTIONS.get(group, lambda: ())()
    return "\n".join([*lines, *_shapes(used, components)]).rstrip() + "\n"


def _scopes() -> Iterable[str]:
    yield "## Scopes of tokens"
    yield ""
    yield "`manage.py api_token create NAME --scope SCOPE` makes a token for staff or a service."
    yield ""
    yield "| scope | what it may |"
    yield "|---|---|"
    yield from (f"| `{scope}` | {about} |" for scope, about in tokens.SCOPES.items())
    yield ""


def _kinds() -> Iterable[str]:
    yield "## Kinds of events"
    yield ""
    yield "A webhook's `kinds` and the ledger's `kind` are these; in a webhook `audit.*` stands for all that begin so."
    yield ""
    yield "| kind | what has happened |"
    yield "|---|---|"
    yield from (f"| `{kind}` | {about} |" for kind, about in event_kinds.OTHERS.items())
    for name, states in event_kinds.of_moves().items():
        yield f"| `{name}.*` | it moved to {', '.join(f'`{state}`' for state in states)} |"
    yield ""


SECTIONS: Mapping[str, Callable[[], Iterable[str]]] = {
    "webhooks": lambda: (*_kinds(), *_scopes()),
    "ledger": _kinds,
    "me": _scopes,
}


def _operation(path: str, method: str, operation: Schema, components: Schema) -> Iterable[str]:
    yield f"## {method} {path}"
    yield ""
    yield f"{operation['description']}  (`{_url_name(path)}`)"
    yield ""
    if operation.get("security"):
        yield f"Needs: {' or '.join(sorted(SECURITY[name] for way in operation['security'] for name in way))}."
        yield ""
    own = [p for p in operation.get("parameters", ()) if p["name"] not in EVERYWHERE]
    if own:
        yield "| parameter | in | what it means |"
        yield "|---|---|---|"
        for p in own:
            words = ", ".join(f"`{word}`" for word in p["schema"].get("enum", ()))
            choices = f" One of {words}." if "enum" in p["schema"] else ""
            yield f"| `{p['name']}` | {p['in']} | {_cell(p['description'])}{choices} |"
        yield ""
    yield from _body(operation.get("requestBody", {}).get("content", {}).get("application/json"), components)
    yield f"Gives: {_gives(operation['responses'], components)}"
    yield ""


EVERYWHERE = ("format", "fields", "limit", "cursor", "order")


def _resolved(schema: Schema, components: Schema) -> Schema:
    """The component that a schema points to, else the schema itself."""
    return components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _body(media: Schema | None, components: Schema) -> Iterable[str]:
    """Each field of what is sent, and one body that would do."""
    if media is None:
        return
    schema = _resolved(media["schema"], components)
    if not schema.get("properties"):
        yield "Send an empty object: `{}`."
        yield ""
        return
    yield "Send one JSON object:"
    yield ""
    yield "| field | type | needed | what it is |"
    yield "|---|---|---|---|"
    yield from _body_fields(schema, prefix="")
    yield ""
    for example in media["examples"].values():
        yield "```json"
        yield json.dumps(example["value"], indent=2, ensure_ascii=False)
        yield "```"
        yield ""


SECURITY = {"hotkeySignature": "a signature (gauntlet/1)", "epistula": "Epistula v2", "token": "a token"}


def _url_name(path: str) -> str:
    """The name that the address has in the code."""
    for name, known in get_resolver().reverse_dict.lists():
        for template, names in (form for entry in known for form in entry[0]):
            wanted = "/" + template % {each: "{" + each + "}" for each in names}
            if str(name).startswith("api-") and wanted == path:
                return str(name)
    return ""


def _body_fields(schema: Schema, *, prefix: str) -> Iterable[str]:
    for field, each in schema["properties"].items():
        needed = "yes" if field in schema["required"] else "no"
        yield f"| `{prefix}{field}` | {_type(each)} | {needed} | {_cell(each['description'])} |"
        if "properties" in each:
            yield from _body_fields(each, prefix=f"{prefix}{field}.")


def _gives(responses: Schema, components: Schema) -> str:
    code, response = next((code, response) for code, response in responses.items() if code.startswith("2"))
    content = response.get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if schema is None:
        return f"{code}, {', '.join(f'`{media}`' for media in content)}" if content else f"{code}, no body"
    rows = _rows(schema, components)
    shown = f"pages of {_type(rows)}" if rows else _type(schema)
    return f"{code}, {shown}{', also as CSV and Parquet' if 'text/csv' in content else ''}"


def _rows(schema: Schema, components: Schema) -> Schema | None:
    """Of a page: what each row of it is."""
    properties = _resolved(schema, components).get("properties", {})
    return properties["results"]["items"] if "next" in properties else None


def _references(schema: Any) -> Iterable[str]:
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield str(schema["$ref"]).rpartition("/")[2]
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _shapes(used: dict[str, None], components: Schema) -> Iterable[str]:
    """A table of fields for each shape, and for each that those are made of."""
    queue, written = list(used), set()
    while queue:
        name = queue.pop(0)
        if name in written:
            continue
        written.add(name)
        component = components[name]
        queue += _references(component)
        yield f"### {name}"
        yield ""
        if component["description"]:
            yield " ".join(component["description"].split())
            yield ""
        yield "| field | type | what it is |"
        yield "|---|---|---|"
        for field, schema in component["properties"].items():
            yield f"| `{field}` | {_type(schema)} | {_cell(schema.get('description', ''))} |"
        yield ""


def _type(schema: Schema) -> str:
    references = list(_references(schema))
    many = "array" in schema.get("type", ())
    null = " or null" if {"type": "null"} in schema.get("oneOf", []) or "null" in schema.get("type", ()) else ""
    if references:
        return f"{'list of ' if many else ''}[{references[0]}](#{references[0].lower()}){null}"
    if many:
        return f"list of {_type(schema.get('items', {}))}{null}"
    name = schema.get("type", "anything")
    if schema.get("format", "double") != "double":
        return f"{schema['format']}{null}"
    return " or ".join(name) if isinstance(name, list) else str(name)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
