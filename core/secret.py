"""How does a secret of this machine come to be?  Made once, by whichever process asks first."""

import contextlib
import os
import secrets
from pathlib import Path


def once(path: Path) -> str:
    """The secret kept at `path`, for its owner's eyes only; written whole or not at all."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):  # another process was first: its secret is the secret
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
