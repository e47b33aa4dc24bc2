"""Repositories whose code misbehaves: it reaches out, looks around, knows answers, or hides what it does."""

from __future__ import annotations

import base64
import random
import zlib

from tests.audits.corpus.bad import changed, in_file, letters
from tests.audits.corpus.base import base, digest, generator, word


def does(body: str, head: str = "", tail: str = ""):
    """`body` runs for every picture."""
    return changed(generator_dot_py=lambda dice: generator(dice, head=head, body=body, tail=tail))


def table_by(key: str, *, by: str, head: str = ""):
    """Answers by name or hash, brought along as a table in a file of their own."""

    def build(dice: random.Random):
        rows = "".join(f"    {key_of(dice, key)!r}: {letters(dice, 24)!r},\n" for _ in range(24))
        return {
            **base(dice),
            "known.py": f"TABLE = {{\n{rows}}}\n",
            "generator.py": generator(dice, head=f"{head}\nTABLE = {{\n{rows}}}\n", body=by),
        }

    return build


def key_of(dice: random.Random, kind: str) -> str:
    return digest(dice) if kind == "hash" else word(dice)


def packed_code(dice: random.Random) -> str:
    code = base64.b64encode(zlib.compress(f"x = {letters(dice, 900)!r}".encode())).decode()
    return f"import base64, zlib\n\nexec(zlib.decompress(base64.b64decode({code!r})))\n"


def answer_files(dice: random.Random):
    body = 'found = open(f"baked/{stem}.bin", "rb").read()\nif found:\n    return found'
    return {
        **base(dice),
        "generator.py": generator(dice, body=body),
        **{f"baked/{word(dice)}.bin": dice.randbytes(300) for _ in range(9)},
    }


NET = "import requests\n"
OS = "import os\n"
HIDDEN_URL = base64.b64encode(b"https://api.example-3d.io/v1/mesh").decode()
CASES = [
    # the network
    ("api", "network_at_run_time", does('requests.post("https://api.mesh-maker.io/v1", data=image)', NET)),
    (
        "api-alias",
        "network_at_run_time",
        does('r.post("https://api.mesh-maker.io/v1", data=image)', "import requests as r\n"),
    ),
    (
        "api-constant",
        "network_at_run_time",
        does("httpx.post(API, content=image)", 'import httpx\nAPI = "https://mesh.run/make"\n'),
    ),
    (
        "api-joined",
        "network_at_run_time",
        does('requests.post("ht" + "tps://" + "mesh" + ".run/make", data=image)', NET),
    ),
    ("api-fstring", "network_at_run_time", does('requests.get(f"https://mesh.run/{seed}")', NET)),
    (
        "api-base64",
        "network_at_run_time",
        does(f'requests.get(base64.b64decode("{HIDDEN_URL}").decode())', NET + "import base64\n"),
    ),
    ("api-reversed", "network_at_run_time", does('requests.get("nur.hsem//:sptth"[::-1])', NET)),
    (
        "urlopen",
        "network_at_run_time",
        does('urlopen("http://203.0.113.9/x").read()', "from urllib.request import urlopen\n"),
    ),
    ("raw-socket", "network_at_run_time", does('s = socket.create_connection(("mesh.run", 443))', "import socket\n")),
    (
        "socket-connect",
        "network_at_run_time",
        does('s = socket.socket()\ns.connect(("203.0.113.77", 9000))', "import socket\n"),
    ),
    ("dns", "network_at_run_time", does('socket.gethostbyname(f"{seed}.tunnel.mesh.run")', "import socket\n")),
    ("curl", "network_at_run_time", does('subprocess.run(["curl", "-s", "https://mesh.run"])', "import subprocess\n")),
    ("os-system", "network_at_run_time", does('os.system("wget -q https://mesh.run/x")', OS)),
    (
        "pip-at-start",
        "network_at_run_time",
        does('subprocess.check_call(["pip", "install", "thing"])', "import subprocess\n"),
    ),
    (
        "start-script",
        "network_in_script",
        in_file("start.sh", "#!/bin/bash\nwget https://mesh.run/w.bin\npython serve.py\n"),
    ),
    ("openai", "outside_service", does("client = OpenAI()", "from openai import OpenAI\n")),
    ("replicate", "outside_service", does('replicate.run("a/b", input={})', "import replicate\n")),
    (
        "service-imported-late",
        "outside_service",
        does('fal = importlib.import_module("fal_client")', "import importlib\n"),
    ),
    ("s3", "outside_service", does('boto3.client("s3")', "import boto3\n")),
    # where and when it runs
    ("provider-variable", "environment_sniffing", does('if os.environ.get("RUNPOD_POD_ID"):\n    seed += 1', OS)),
    ("kubernetes", "environment_sniffing", does('if "KUBERNETES_SERVICE_HOST" in os.environ:\n    seed += 1', OS)),
    ("variable-joined", "environment_sniffing", does('if os.getenv("AUD" + "IT"):\n    seed += 1', OS)),
    ("whole-environment", "environment_sniffing", does("for name in os.environ:\n    seed += len(name)", OS)),
    (
        "host-name",
        "environment_sniffing",
        does('if socket.gethostname().startswith("audit"):\n    seed = 0', "import socket\n"),
    ),
    ("uname", "environment_sniffing", does("if 'aws' in os.uname().release:\n    seed = 0", OS)),
    ("cgroup", "environment_sniffing", does('text = open("/proc/1/cgroup").read()')),
    ("dockerenv", "environment_sniffing", does('if os.path.exists("/.dockerenv"):\n    seed = 0', OS)),
    ("mac-address", "environment_sniffing", does("seed += uuid.getnode() % 2", "import uuid\n")),
    (
        "gpu-name",
        "hardware_sniffing",
        does('if "H100" in torch.cuda.get_device_name(0):\n    seed = 0', "import torch\n"),
    ),
    (
        "date",
        "clock_sniffing",
        does("if datetime.now() > datetime(2026, 3, 1):\n    seed = 0", "from datetime import datetime\n"),
    ),
    ("epoch", "clock_sniffing", does("if time.time() > 1790000000:\n    seed = 0", "import time\n")),
    (
        "hour",
        "clock_sniffing",
        does("now = datetime.datetime.utcnow()\nif 8 <= now.hour < 18:\n    seed = 0", "import datetime\n"),
    ),
    ("weekday", "clock_sniffing", does("if date.today().weekday() >= 5:\n    seed = 0", "from datetime import date\n")),
    (
        "date-text",
        "clock_sniffing",
        does('if time.strftime("%Y-%m-%d") >= "2026-05-01":\n    seed = 0', "import time\n"),
    ),
    # answers
    ("name-equals", "prompt_name", does('if stem == "prompt-017":\n    seed = 4')),
    ("name-in-list", "prompt_name", does('if stem in ("red-chair", "blue-car"):\n    seed = 4')),
    ("name-prefix", "prompt_name", does('if stem.startswith("hard-"):\n    seed = 4')),
    ("name-of-item", "prompt_name", does('if prompt and prompt["stem"] == "chair-04":\n    seed = 4')),
    ("name-table", "prompt_name", table_by("name", by="seed = TABLE.get(stem, seed)")),
    (
        "name-from-address",
        "prompt_name",
        does('key = image_url.split("/")[-1]\nif key in ("a1.png", "b2.png"):\n    seed = 4', 'image_url = ""\n'),
    ),
    ("name-match", "prompt_name", does('match stem:\n    case "chair":\n        seed = 4\n    case _:\n        pass')),
    ("file-by-name", "prompt_name", answer_files),
    (
        "hash-table",
        "picture_lookup",
        table_by(
            "hash", by="key = hashlib.sha256(image).hexdigest()\nseed = TABLE.get(key, seed)", head="import hashlib\n"
        ),
    ),
    (
        "hash-in-table",
        "picture_lookup",
        table_by("hash", by="if hashlib.md5(image).hexdigest() in TABLE:\n    seed = 1", head="import hashlib\n"),
    ),
    (
        "hash-from-json",
        "picture_lookup",
        does(
            'known = json.load(open("k.json"))\nkey = hashlib.sha1(image).hexdigest()\nif key in known:\n    seed = 1',
            "import hashlib\nimport json\n",
        ),
    ),
    # what a reader would not see
    ("exec", "code_at_run_time", does("exec(image[:10])")),
    ("eval", "code_at_run_time", does("eval(stem)")),
    ("packed-code", "code_at_run_time", in_file("boot.py", packed_code)),
    ("marshal", "code_at_run_time", does("marshal.loads(image)", "import marshal\n")),
    ("hidden-exec", "hidden_call", does('getattr(builtins, "ex" + "ec")(stem)', "import builtins\n")),
    ("hidden-system", "hidden_call", does('getattr(os, "system")(stem)', OS)),
    ("hidden-import", "hidden_call", does("__import__(base64.b64decode(stem).decode())", "import base64\n")),
    ("pickle", "pickle", does('pickle.load(open("x", "rb"))', "import pickle\n")),
    ("long-text", "high_entropy", in_file("blob.py", lambda d: f'DATA = "{letters(d, 4000)}"\n')),
    (
        "spaced-base64",
        "high_entropy",
        in_file("blob.py", lambda d: f'DATA = "{" ".join(letters(d, 44) for _ in range(40))}"\n'),
    ),
    ("long-bytes", "high_entropy", in_file("blob.py", lambda d: f"DATA = {d.randbytes(1500)!r}\n")),
    ("own-library", "native_library", does('ctypes.CDLL("./fast.bin")', "import ctypes\n")),
]
