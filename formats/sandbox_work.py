"""What is done with a file of one format inside the sandbox?  It is examined, made light, converted and measured.

Each format derives its own class from `SandboxWork` in the module that its row names, and that module's `work` and
`rehearse` are an instance's: the fork server loads nothing of other formats.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from formats import known_good, registry, rules
from formats.facts import MESH, FileFacts
from formats.integrity.measures import Integrity
from formats.provenance import Provenance, plain

Convert = Callable[[bytes, Provenance], bytes]


class SandboxWork:
    """`conversions` make what the row's `targets` name: of the canonical mesh, or of the file where there is none.

    Every method may raise Refused for the file, and nothing else that is the file's doing.
    """

    conversions: Mapping[str, Convert] = {}

    def __init__(self, row: registry.Format) -> None:
        self.row = row

    def examine(self, data: bytes) -> FileFacts:
        """The facts of a miner's file that keeps every rule."""
        raise NotImplementedError

    def examine_built(self, data: bytes) -> FileFacts:
        """The facts of what the row's `built_by` made of it outside; by default the file itself."""
        return self.examine(data)

    def lighten(self, data: bytes) -> tuple[bytes, int]:
        """A light copy of what was built, and how many triangles or splats it draws."""
        raise NotImplementedError

    def measure(self, data: bytes) -> Integrity:
        """How sound is what was built?  By default the mesh that renderers are given; `bytes` are those of `data`."""
        from formats.glb import integrity  # other formats load nothing of it

        return integrity.measure(self.examine_built(data).derived[MESH]())

    def losses(self, data: bytes) -> tuple[str, ...]:
        """What of a file that was built its mesh does not hold, in words: a conversion says so."""
        return ()

    def samples(self) -> Iterator[bytes]:
        """Good files, as built, that together need all that is loaded on first use."""
        yield known_good(self.row.name)

    def work(self, task: dict[str, Any], data: bytes) -> dict[str, Any]:
        """By `task`: facts, with the files of `task["derive"]`; a light copy; a conversion; or how sound it is.

        Raises Refused.
        """
        registry.FORMATS.setdefault(self.row.name, self.row)  # a format from outside is known here by its work alone
        if task.get("light"):
            content, count = self.lighten(data)
            Path(f"light.{self.row.light}").write_bytes(content)
            return {"triangles": count}
        if task.get("integrity"):
            return {"integrity": asdict(self.measure(data))}
        facts = self.examine_built(data) if task.get("built") else self.examine(data)
        for name in task.get("derive", ()):
            if name in facts.derived:
                Path(name).write_bytes(facts.derived[name]())
        if wanted := task.get("convert"):
            source = facts.derived[MESH]() if MESH in facts.derived else data
            lost = ", ".join(self.losses(data))
            provenance = plain(wanted["provenance"] | ({"not held": lost} if lost else {}))
            converted = self.conversions[wanted["to"]](source, provenance)
            Path(f"converted.{wanted['to']}").write_bytes(converted)
        return {"count": facts.count, "bounds": facts.bounds}

    def rehearse(self) -> None:
        """Load what every file loads: inside its own root folder a child finds no modules."""
        registry.FORMATS.setdefault(self.row.name, self.row)
        rules.known_rules()
        self.examine(known_good(self.row.name))
        for sample in self.samples():
            facts = self.examine_built(sample)
            for make in facts.derived.values():
                make()
            for convert in self.conversions.values():
                convert(facts.derived[MESH]() if MESH in facts.derived else sample, {"made for": "rehearsal"})
            self.lighten(sample)
            self.measure(sample)
