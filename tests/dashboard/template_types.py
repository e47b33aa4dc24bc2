"""Which fields of which dataclass does a template show?  Read from the compiled template and the types, without data.

A template is walked as Django compiled it, with the type of each variable: `page` is what the view returns, a loop
variable is an element of its sequence.  A property counts as the fields that its body reads from `self`.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import types
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from django.http.response import HttpResponseBase
from django.template import Engine, Node, NodeList
from django.template.base import FilterExpression, Variable
from django.template.defaulttags import ForNode, WithNode
from django.template.loader_tags import ExtendsNode, IncludeNode
from django.template.smartif import TokenBase

Field = tuple[type, str]
Types = Mapping[str, Any]
KEEP_THE_TYPE = ("slice_filter", "dictsort", "default", "default_if_none")


class Walk:
    """`shown`: each field that some template reads; `has_it`: per variable of a template, which dataclass has it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.shown: set[Field] = set()
        self.has_it: dict[str, dict[str, bool]] = {}
        self._done: set[tuple[str, str]] = set()

    def misspelt(self) -> list[str]:
        """What a template reads and none of the dataclasses that it is given has."""
        return [f"{place}: no {', '.join(owners)}" for place, owners in self.has_it.items() if not any(owners.values())]

    def template(self, name: str, known: Types) -> None:
        seen = (name, repr(sorted(known.items(), key=lambda pair: pair[0])))
        if seen in self._done:
            return
        self._done.add(seen)
        self._nodes(self.engine.get_template(name).nodelist, known, name)

    def _nodes(self, nodes: Sequence[Node], known: Types, name: str) -> None:
        for node in nodes:
            self._node(node, known, name)

    def _node(self, node: Node, known: Types, name: str) -> None:
        if isinstance(node, ExtendsNode):
            self.template(str(node.parent_name.var), known)
            self._nodes(node.nodelist, known, name)
        elif isinstance(node, IncludeNode):
            given = {alias: self._value(value, known, name) for alias, value in node.extra_context.items()}
            self.template(str(node.template.var), {**known, **given})
        elif isinstance(node, ForNode):
            element = element_of(self._value(node.sequence, known, name))
            self._nodes(node.nodelist_loop, {**known, **unpacked(node.loopvars, element)}, name)
            self._nodes(node.nodelist_empty, known, name)
        elif isinstance(node, WithNode):
            given = {alias: self._value(value, known, name) for alias, value in node.extra_context.items()}
            self._nodes(node.nodelist, {**known, **given}, name)
        else:
            self._parts(vars(node), known, name)

    def _parts(self, part: Any, known: Types, name: str) -> None:
        """Whatever else a tag holds: arguments, conditions, blocks."""
        if isinstance(part, FilterExpression):
            self._value(part, known, name)
        elif isinstance(part, NodeList):
            self._nodes(part, known, name)
        elif isinstance(part, Node):
            self._node(part, known, name)
        elif isinstance(part, TokenBase):
            self._parts([vars(part)[key] for key in ("first", "second", "value") if key in vars(part)], known, name)
        elif isinstance(part, Mapping):
            self._parts(list(part.values()), known, name)
        elif isinstance(part, list | tuple):
            for each in part:
                self._parts(each, known, name)

    def _value(self, expression: FilterExpression, known: Types, name: str) -> Any:
        """The type that an expression has, after noting what it reads."""
        for _, arguments in expression.filters:
            for is_variable, argument in arguments:
                if is_variable and isinstance(argument, Variable):
                    self._path(argument, known, name)
        if not isinstance(expression.var, Variable):
            return Any
        reached = self._path(expression.var, known, name)
        keeps = all(filtered.__name__ in KEEP_THE_TYPE for filtered, _ in expression.filters)
        return reached if keeps else Any

    def _path(self, variable: Variable, known: Types, name: str) -> Any:
        first, *rest = variable.lookups or ("",)
        reached = known.get(first, Any)
        for step in rest:
            reached = self._step(bare(reached), step, f"{name}: {variable.var}")
        return reached

    def _step(self, owner: Any, step: str, place: str) -> Any:
        if isinstance(owner, type) and dataclasses.is_dataclass(owner):
            reads = reads_of(owner, step)
            self.has_it.setdefault(place, {})[f"{owner.__name__}.{step}"] = reads is not None
            if reads is None:
                return Any
            self.shown |= {(owner, field) for field in reads}
            return type_of(owner, step)
        if step.isdigit():
            return element_of(owner, int(step))
        if (step == "items" and get_origin(owner) in (dict, Mapping)) or get_origin(owner) is Mapping:
            return tuple[get_args(owner), ...] if step == "items" else get_args(owner)[1]
        return Any


def bare(hint: Any) -> Any:
    """Without `None`, and without the answers that a view gives instead of a page."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    parts = [part for part in get_args(hint) if part is not type(None) and not _is_answer(part)]
    return parts[0] if len(parts) == 1 else Any


def _is_answer(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, HttpResponseBase)


def element_of(hint: Any, place: int = 0) -> Any:
    hint = bare(hint)
    arguments = get_args(hint)
    if get_origin(hint) is tuple and Ellipsis not in arguments:
        return arguments[place] if place < len(arguments) else Any
    return arguments[0] if get_origin(hint) in (tuple, list, Sequence) and arguments else Any


def unpacked(names: Sequence[str], element: Any) -> dict[str, Any]:
    if len(names) == 1:
        return {names[0]: element}
    return {name: element_of(element, place) for place, name in enumerate(names)}


@cache
def hints(owner: type) -> Mapping[str, Any]:
    return get_type_hints(owner)


def type_of(owner: type, name: str) -> Any:
    if name in hints(owner):
        return hints(owner)[name]
    attribute = inspect.getattr_static(owner, name)
    function = attribute.fget if isinstance(attribute, property) else getattr(attribute, "func", attribute)
    return get_type_hints(function).get("return", Any)


@cache
def reads_of(owner: type, name: str) -> frozenset[str] | None:
    """The fields behind a name: itself, or those that the property reads.  None where the class has no such name."""
    fields = {field.name for field in dataclasses.fields(owner)}
    if name in fields:
        return frozenset({name})
    attribute = inspect.getattr_static(owner, name, None)
    function = attribute.fget if isinstance(attribute, property) else getattr(attribute, "func", attribute)
    if function is None:
        return None
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    read = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    return frozenset(field for each in read - {name} for field in reads_of(owner, each) or ())


def dataclasses_in(hint: Any) -> Iterator[type]:
    """Every dataclass that a value of this type is made of, itself included."""
    queue, seen = [hint], set()
    while queue:
        each = queue.pop()
        if isinstance(each, type) and dataclasses.is_dataclass(each):
            if each not in seen:
                seen.add(each)
                yield each
                queue += [hints(each)[field.name] for field in dataclasses.fields(each)]
        else:
            queue += get_args(each)
