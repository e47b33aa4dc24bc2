"""How does work on a file of a miner's say no?

In two ways, which must never be mixed up: `Refused` is about the file (its miner must act), `RendererFault` is about us
(retried, never held against anyone).
"""


class Refused(Exception):
    """The asset breaks a named rule.  Failure class `miner`."""

    failure_class = "miner"

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


class RendererFault(Exception):
    """We could not render, and cannot blame the asset for it.  Failure class `infrastructure`."""

    failure_class = "infrastructure"

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence
