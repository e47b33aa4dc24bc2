"""What went wrong around a browser?  As a RendererFault whose code says whether the asset may be to blame."""

import contextlib
from collections.abc import Iterator

from core.sandbox.chromium.browser import GONE, Exhausted, Thrown
from core.sandbox.chromium.pipe import CallFailed, OutOfTime
from core.sandbox.outcomes import RendererFault


@contextlib.contextmanager
def ours() -> Iterator[None]:
    try:
        yield
    except Exhausted as error:
        raise RendererFault(error.what.upper(), f"the browser used too much: {error}") from error
    except OutOfTime as error:
        raise RendererFault("OVERRAN", "no answer in time on a busy machine") from error
    except Thrown as error:
        raise RendererFault("THREW", f"the page threw: {error}") from error
    except (*GONE, CallFailed, KeyError, ValueError) as error:
        raise RendererFault("CRASHED", f"the browser broke off: {error!r}"[:400]) from error
