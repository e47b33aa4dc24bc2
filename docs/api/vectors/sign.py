"""Sign a request to the API with a hotkey.  Needs `pip install bittensor-core`, nothing else.

python sign.py GET http://127.0.0.1:8000/api/v1/me/standing 0x<seed>
"""

import hashlib
import re
import secrets
import sys
import time
import urllib.request
from urllib.parse import urlsplit


def message(*, method: str, host: str, path: str, body: bytes, timestamp: int, nonce: str) -> bytes:
    """`path` with its query, as it is sent; `timestamp` in milliseconds."""
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join(["gauntlet/1", method, host, path, digest, str(timestamp), nonce]).encode()


def headers(key, method: str, url: str, body: bytes = b"") -> dict[str, str]:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    timestamp, nonce = round(time.time() * 1000), secrets.token_urlsafe(16)
    signed = key.sign(message(method=method, host=parts.netloc, path=path, body=body, timestamp=timestamp, nonce=nonce))
    return {
        "Gauntlet-Hotkey": key.ss58_address,
        "Gauntlet-Timestamp": str(timestamp),
        "Gauntlet-Nonce": nonce,
        "Gauntlet-Signature": signed.hex(),
    }


if __name__ == "__main__":
    if len(sys.argv) != 4 or not re.fullmatch(r"(0x)?[0-9a-fA-F]{64}", sys.argv[3]):
        sys.exit("usage: python sign.py METHOD URL SEED   (the seed of a hotkey: 64 hex digits)")
    from bittensor_core import Keypair

    method, url, seed = sys.argv[1:]
    key = Keypair.create_from_seed(bytes.fromhex(seed.removeprefix("0x")))
    asked = urllib.request.Request(url, method=method, headers=headers(key, method, url))
    print(urllib.request.urlopen(asked).read().decode())
