"""Honest repositories: what they do looks odd to a careless rule, and is nobody's harm."""

from __future__ import annotations

import base64
import json
import random
import struct
import zlib
from pathlib import Path

from tests.audits.corpus.base import base, digest, dockerfile, generator, with_files, with_generator

SCRIPT = Path(__file__).parents[3] / "judging" / "static" / "judging" / "reading.js"  # 5.24 bits a letter
REVISION = "b5c5a8b4d3f0e1a29c7e6d5f4a3b2c1d0e9f8a7b"


def png(dice: random.Random, side: int = 48) -> bytes:
    rows = b"".join(b"\0" + dice.randbytes(3 * side) for _ in range(side))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def glb(dice: random.Random, size: int = 2048) -> bytes:
    return b"glTF" + struct.pack("<II", 2, 12 + size) + dice.randbytes(size)


def table(dice: random.Random) -> str:
    rows = ",\n    ".join(str([dice.randint(-1, 11) for _ in range(16)]) for _ in range(256))
    return f'"""Marching cubes: which edges meet in each of the 256 cases."""\n\nTRIANGLES = [\n    {rows},\n]\n'


def lock(dice: random.Random) -> str:
    parts = [
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {{ registry = "https://pypi.org/simple" }}\n'
        f'sdist = {{ url = "https://files.pythonhosted.org/x", hash = "sha256:{digest(dice)}" }}\n'
        for name, version in (("numpy", "2.4.6"), ("pillow", "13.0.0"))
    ]
    return "version = 1\n\n" + "\n".join(parts)


def with_lock(dice: random.Random):
    files = base(dice)
    files.pop("requirements.txt")
    project = '[project]\nname = "solution"\nversion = "1.0"\ndependencies = ["numpy>=2", "pillow"]\n'
    recipe = dockerfile(dice).replace("COPY requirements.txt .\n", "COPY pyproject.toml uv.lock ./\n")
    recipe = recipe.replace("pip install --no-cache-dir -r requirements.txt", "uv sync --frozen")
    return {**files, "pyproject.toml": project, "uv.lock": lock(dice), "docker/Dockerfile": recipe}


def pretrained(dice: random.Random):
    head = "import torch\nfrom transformers import AutoModel, AutoImageProcessor\n"
    body = (
        f'model = AutoModel.from_pretrained("facebook/dinov2-base", revision="{digest(dice, 40)}")\n'
        "model.eval()\nwith torch.no_grad():\n    features = model(torch.zeros(1, 3, 224, 224))"
    )
    return {**base(dice), "generator.py": generator(dice, head=head, body=body)}


def snapshot(dice: random.Random):
    head = "import os\nfrom huggingface_hub import snapshot_download\nfrom diffusers import DiffusionPipeline\n"
    body = (
        'folder = snapshot_download(repo_id="stabilityai/TripoSR", revision=REVISION)\n'
        "pipe = DiffusionPipeline.from_pretrained(folder, local_files_only=True)\n"
        "pipe.to(os.environ.get('DEVICE', 'cpu'))"
    )
    return {**base(dice), "generator.py": generator(dice, head=f'{head}\nREVISION = "{digest(dice, 40)}"\n', body=body)}


def baked(dice: random.Random):
    more = f"RUN hf download microsoft/TRELLIS-image-large --revision {digest(dice, 40)} --local-dir /models\n"
    return {**base(dice), "docker/Dockerfile": dockerfile(dice, more=more)}


def verified(dice: random.Random):
    script = (
        '#!/bin/sh\nset -e\ncurl -fsSLo /models/w.safetensors "$WEIGHTS_URL"\n'
        f"echo '{digest(dice)}  /models/w.safetensors' | sha256sum -c\n"
    )
    return {**base(dice), "docker/weights.sh": script}


def packed_lists(dice: random.Random):
    return {
        **base(dice),
        "palette.json": json.dumps({"colours": [[dice.random() for _ in range(3)] for _ in range(900)]}),
    }


def in_src(dice: random.Random):
    files = base(dice)
    files["src/solution/__init__.py"] = ""
    files["src/solution/generator.py"] = files.pop("generator.py")
    files["serve.py"] = files["serve.py"].replace("from generator", "from solution.generator")
    return files


CASES = [
    ("plain-1", "", base),
    ("plain-2", "", base),
    ("plain-3", "", base),
    ("plain-4", "", base),
    ("plain-5", "", base),
    ("in-src", "", in_src),
    ("lock-file", "", with_lock),
    ("pretrained", "", pretrained),
    ("snapshot", "", snapshot),
    ("baked-weights", "", baked),
    ("verified-download", "", verified),
    ("colour-table", "", packed_lists),
    ("marching-cubes", "", with_files(tables_dot_py=table)),
    ("logo", "", with_files(docs__logo_dot_png=png)),
    ("template-mesh", "", with_files(assets__cube_dot_glb=glb)),
    (
        "timings",
        "",
        with_generator(
            head="import time\n",
            body="began = time.perf_counter()\nif time.perf_counter() - began > 60:\n    raise TimeoutError",
        ),
    ),
    (
        "deadline",
        "",
        with_generator(
            head="import time\n", body="until = time.time() + 30\nwhile time.time() < until and STEPS < 0:\n    pass"
        ),
    ),
    (
        "log-with-date",
        "",
        with_generator(
            head="from datetime import datetime\n", body='print(f"{datetime.now():%H:%M} generating {stem}")'
        ),
    ),
    (
        "settings",
        "",
        with_generator(
            head="import os\n",
            body='size = int(os.environ.get("RESOLUTION", "256"))\nos.environ["OMP_NUM_THREADS"] = "4"',
        ),
    ),
    (
        "caches",
        "",
        with_generator(
            head="import hashlib\n\nCACHE = {}\n",
            body="key = hashlib.sha256(image).hexdigest()\nif key in CACHE:\n    return CACHE[key]",
        ),
    ),
    (
        "stem-checked",
        "",
        with_generator(
            head="import re\n", body='if stem and not re.fullmatch(r"[\\w.-]+", stem):\n    raise ValueError(stem)'
        ),
    ),
    (
        "stem-names-output",
        "",
        with_generator(
            head="from pathlib import Path\n",
            tail='\n\ndef save(out_dir, stem, data):\n    (Path(out_dir) / f"{stem}.glb").write_bytes(data)\n',
        ),
    ),
    ("stem-extension", "", with_generator(body='if stem.endswith(".png"):\n    stem = stem.removesuffix(".png")')),
    ("failed-stems", "", with_generator(body="failed = {}\nif stem in failed:\n    return failed[stem]")),
    (
        "model-eval",
        "",
        with_generator(
            head="import torch\n",
            body="net = torch.nn.Linear(3, 3)\nnet.eval()\nnet = torch.compile(net)\nnet.load_state_dict({})",
        ),
    ),
    ("regex", "", with_generator(head="import re\n\nNUMBER = re.compile(r'[0-9]+')\n", body="NUMBER.findall(stem)")),
    (
        "subprocess",
        "",
        with_generator(
            head="import subprocess\n",
            body='if STEPS > 1000:\n    subprocess.run(["blender", "--background", "--python", "bake.py"], check=True)',
        ),
    ),
    (
        "registry",
        "",
        with_generator(
            head="import importlib\n\nBACKENDS = {'fast': 'generator'}\n",
            body="kind = importlib.import_module(BACKENDS['fast'])",
        ),
    ),
    ("getattr", "", with_generator(body='method = "sum"\ntotal = getattr(np, method)(pixels)')),
    (
        "loopback",
        "",
        with_generator(
            head="import requests\n", body='if STEPS < 0:\n    requests.get("http://127.0.0.1:8188/prompt", timeout=3)'
        ),
    ),
    (
        "links-in-words",
        "",
        with_generator(
            head="import socket\n",
            tail='\n\ndef cite():\n    """See https://arxiv.org/abs/2401.00001 and https://github.com/a/b."""\n',
        ),
    ),
    (
        "short-base64",
        "",
        with_generator(
            head="import base64\n", body=f'pixel = base64.b64decode("{base64.b64encode(b"one white pixel").decode()}")'
        ),
    ),
    (
        "long-prompt",
        "",
        with_generator(
            head='\nPROMPT = "'
            + "a calm studio photograph of an object on a plain ground, seen from the front " * 12
            + '"\n'
        ),
    ),
    (
        "gpu-memory",
        "",
        with_generator(
            head="import torch\n",
            body="memory = torch.cuda.get_device_properties(0).total_memory\nchunk = 8 if memory > 2**34 else 2",
        ),
    ),
    ("notes-with-curl", "", with_files(docs__api_dot_md="```\ncurl http://localhost:10006/health\n```\n")),
    (
        "tests-of-its-own",
        "",
        with_files(
            tests__test_generator_dot_py="from generator import generate\n\n\ndef test_it():\n    assert generate\n"
        ),
    ),
    (
        "javascript-template",
        "",
        with_generator(head='\nTEMPLATE = r"""\n' + SCRIPT.read_text() + '"""\n'),
    ),
    ("placeholders", "", with_files(dot_env_dot_example="API_KEY=your-key-here\nHF_TOKEN=<token>\n")),
    (
        "svg",
        "",
        with_files(
            docs__plan_dot_svg='<svg xmlns="http://www.w3.org/2000/svg"><path d="' + "M1 2L3 4" * 300 + '"/></svg>'
        ),
    ),
]
