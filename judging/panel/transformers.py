"""How does a vision-language model in this process's own memory judge?

`transformers:vlm-2` is the judge version `templates/judging/vlm-2`; its weights come from GAUNTLET_VLM_FOLDER, or from
the hub at the version's revision.  The first question loads them, after any fork; making the judge does not.  One
thread per process feeds the model with the waiting questions; a batch that does not fit into memory is halved.
But for `made`, which reads the deployment's settings, torch, transformers, numpy and Pillow are all that is needed.
"""

import os
import queue
import re
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from time import monotonic
from typing import Any

from judging.backends.base import Answer, NoAnswer, Question
from judging.panel.answer_store import AnswerStore, Remembered, Reply
from judging.panel.questions.calls import Call
from judging.panel.questions.version import JudgeVersion, pinned, version_named

LOAD = Call("load", "", (), "", (), "")
"""No question: whoever asks it waits until the weights are there."""
JSON = re.compile(r"\{.*?\}", re.DOTALL)


class Transformers:
    """A judge that deliberates: see `judging.panel.vlm_panel`."""

    def __init__(self, version: JudgeVersion, *, folder: str = "", device: str = "", batch: int = 8) -> None:
        self.name = f"transformers:{version.name}"
        self.version, self.judge_version = version.digest, version
        self.folder, self.device, self.batch = folder, device, batch
        self.answers: AnswerStore = Remembered()
        self.loaded: Any = None
        self._starting = threading.Lock()
        self._waiting: queue.SimpleQueue[tuple[Call, Future[Reply]]] = queue.SimpleQueue()
        self._pid = 0

    def ask(self, question: Question) -> Answer:
        raise NoAnswer("unknown_question", "This judge deliberates about a duel; it takes no single question.")

    def load(self) -> NoAnswer | None:
        """Loads the weights as the first question would; returns why they cannot be, None where all is well."""
        outcome = self.answer([LOAD])[0]
        return outcome if isinstance(outcome, NoAnswer) else None

    def answer(self, calls: Sequence[Call]) -> list[Reply | NoAnswer]:
        with self._starting:  # the thread that feeds the model is started by the first question after a fork
            if self._pid != os.getpid():
                self._pid, self._waiting, self.loaded = os.getpid(), queue.SimpleQueue(), None
                threading.Thread(target=self._feed, name="model", daemon=True).start()
        pending: list[tuple[Call, Future[Reply]]] = [(call, Future()) for call in calls]
        for one in pending:
            self._waiting.put(one)
        outcomes: list[Reply | NoAnswer] = []
        for _, future in pending:
            try:
                outcomes.append(future.result())
            except NoAnswer as silence:
                outcomes.append(silence)
            except Exception as error:  # the judge's protocol knows no other failure
                outcomes.append(NoAnswer("model", f"The model failed: {type(error).__name__}: {error}"))
        return outcomes

    def _feed(self) -> None:
        while True:
            pending = [self._waiting.get()]
            while len(pending) < self.batch and not self._waiting.empty():
                pending.append(self._waiting.get())
            try:
                if self.loaded is None:
                    from judging.panel.transformers_model import Loaded  # torch and transformers

                    version = self.judge_version
                    name, revision = (self.folder, None) if self.folder else (version.model, version.revision)
                    loaded = Loaded.from_folder(
                        name, revision=revision, device=self.device, chat=version.chat, shares_beginnings=True
                    )
                    loaded.require_version(image_token=version.image_token, licence=version.licence)
                    self.loaded = loaded
                for _, future in [one for one in pending if one[0] is LOAD]:
                    future.set_result(self._reply({}, 1.0, monotonic()))
                self._answer_batch([one for one in pending if one[0] is not LOAD])
            except Exception as error:  # whoever waits must hear of it, and the next batch may be fine
                why = f"{type(error).__name__}: {str(error)[:200]}"
                silence = error if isinstance(error, NoAnswer) else NoAnswer("model", f"The model failed: {why}")
                for waiting in [future for _, future in pending if not future.done()]:
                    waiting.set_exception(silence)

    def _answer_batch(self, batch: "Sequence[tuple[Call, Future[Reply]]]") -> None:
        for call, future in batch:
            if not call.labels:
                began = monotonic()
                matched = JSON.search(self.loaded.words(call))
                future.set_result(self._reply({}, 1.0, began, text=matched.group() if matched else ""))
        self._labels([one for one in batch if one[0].labels])

    def _labels(self, batch: "Sequence[tuple[Call, Future[Reply]]]") -> None:
        """In one batch if it fits, else in halves; the smaller batch is remembered."""
        if not batch:
            return
        began = monotonic()
        try:
            answered = self.loaded.labels([call for call, _ in batch])
        except Exception as error:
            from judging.panel.transformers_model import out_of_memory, tidy  # torch, which is loaded by then

            if not out_of_memory(error):
                raise
            tidy()
            if len(batch) == 1:
                raise NoAnswer("out_of_memory", "One question alone does not fit into the card's memory.") from error
            self.batch = half = len(batch) // 2
            self._labels(batch[:half])
            self._labels(batch[half:])
            return
        for (_, future), shares in zip(batch, answered, strict=True):
            future.set_result(self._reply(shares, sum(shares.values()), began))

    def _reply(self, shares: dict[str, float], mass: float, began: float, *, text: str = "") -> Reply:
        raw = {"model": self.judge_version.served_as, "device": self.loaded.device}
        return Reply(shares, mass, text=text, raw=raw, latency_ms=round((monotonic() - began) * 1000))


def made(argument: str) -> Transformers:
    """Raises ValueError for a version that is not there or not pinned, or where torch is not installed."""
    from django.conf import settings  # a machine that only runs a model has no Django

    try:
        door = f"torch {installed('torch')}, transformers {installed('transformers')}, shared beginnings"
    except PackageNotFoundError as error:
        raise ValueError("pip install -r requirements-gpu.txt for a model in this process") from error
    version = replace(pinned(version_named(argument), settings.VLM_PINS), door=door)
    return Transformers(version, folder=settings.VLM_FOLDER, device=settings.VLM_DEVICE, batch=settings.VLM_BATCH)
