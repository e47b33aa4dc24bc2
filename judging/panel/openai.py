"""How does a vision-language model behind an OpenAI-compatible server (vLLM, SGLang and others) judge?

`openai:vlm-2` is the judge version `templates/judging/vlm-2`.  The server's address (`GAUNTLET_VLM_URL`) belongs to the
deployment and is no part of the version: the server must name the very model and revision that it serves.  One event
loop per process carries the questions of all its threads.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Sequence

from django.conf import settings

from core import store
from judging.backends.base import Answer, NoAnswer, Question
from judging.panel.answer_store import AnswerStore, Remembered, Reply
from judging.panel.openai_client import Client, Door, ServedModel
from judging.panel.questions.calls import Call
from judging.panel.questions.pictures import Picture
from judging.panel.questions.version import JudgeVersion, pinned, version_named


class OpenAI:
    """A judge that deliberates: see `judging.panel.vlm_panel`."""

    def __init__(self, version: JudgeVersion, door: Door, *, address: Callable[[Picture], str] | None = None) -> None:
        self.name = f"openai:{version.name}"
        self.version, self.judge_version, self.door = version.digest, version, door
        self.address = address or Picture.data_url
        self.answers: AnswerStore = Remembered()
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Client | None = None
        self._pid = 0

    def ask(self, question: Question) -> Answer:
        raise NoAnswer("unknown_question", "This judge deliberates about a duel; it takes no single question.")

    def answer(self, calls: Sequence[Call]) -> list[Reply | NoAnswer]:
        """All at once, as far as there are free slots."""
        loop, client = self._running()
        futures = [asyncio.run_coroutine_threadsafe(client.ask(call), loop) for call in calls]
        outcomes: list[Reply | NoAnswer] = []
        for future in futures:
            try:
                outcomes.append(future.result())
            except NoAnswer as silence:
                outcomes.append(silence)
            except Exception as error:  # the judge's protocol knows no other failure
                why = f"Asking failed in our own client: {type(error).__name__}: {error}"
                outcomes.append(NoAnswer("client", why))
        return outcomes

    def examine(self) -> ServedModel:
        """What is at the server's address.  Raises NoAnswer, within seconds, where no judge of this version is."""
        loop, client = self._running()
        return asyncio.run_coroutine_threadsafe(client.examine(), loop).result()

    def _running(self) -> tuple[asyncio.AbstractEventLoop, Client]:
        """Started by the first question: after a fork there is no thread behind an older loop."""
        with self._starting:
            if self._loop is None or self._client is None or self._pid != os.getpid():
                self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
                threading.Thread(target=self._loop.run_forever, name="judge", daemon=True).start()
                self._client = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
            return self._loop, self._client

    def close(self) -> None:
        """Let go of the connections; the next question opens others."""
        with self._starting:
            loop, client, self._loop, self._client = self._loop, self._client, None, None
        if loop is not None and client is not None and self._pid == os.getpid():
            asyncio.run_coroutine_threadsafe(client.close(), loop).result()
            loop.call_soon_threadsafe(loop.stop)

    async def _open(self) -> Client:
        return Client(self.door, self.judge_version, address=self.address)


def made(argument: str) -> OpenAI:
    """Raises ValueError for a version that is not there or not pinned, or when no server is configured."""
    version = pinned(version_named(argument), settings.VLM_PINS)
    if version.constrain:
        raise ValueError(
            f"{argument} is retired: it forces the labels on the server ({version.constrain}), which then reports that "
            "all probability lies on them, whatever the model meant; name vlm-2"
        )
    url = settings.VLM_URLS.get(version.name) or settings.VLM_URL
    if not url:
        raise ValueError("set GAUNTLET_VLM_URL to the address of an OpenAI-compatible server")
    door = Door(url, key=settings.VLM_KEY, slots=settings.VLM_SLOTS)
    return OpenAI(version, door, address=addressed(settings.VLM_PICTURES))


def addressed(pattern: str) -> Callable[[Picture], str]:
    """How a picture is sent: inside the request, or stored and named by an address with {sha256} in it."""
    if not pattern:
        return Picture.data_url
    if "{sha256}" not in pattern:
        raise ValueError("GAUNTLET_VLM_PICTURES must contain {sha256}")
    return lambda picture: pattern.replace("{sha256}", store.default().put(picture.jpeg()))
