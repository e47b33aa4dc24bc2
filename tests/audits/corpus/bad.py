"""Repositories that each do one wrong thing to their packages, models, recipe, licence, secrets or files."""

from __future__ import annotations

import base64
import gzip
import io
import json
import random
import string
import zipfile

from tests.audits.corpus.base import base, digest, dockerfile, generator, word
from tests.audits.corpus.good import glb, png


def changed(**parts):
    """The honest base with other files: each part is a text, or a function of the dice; None takes the file away."""

    def build(dice: random.Random):
        files = base(dice)
        for name, content in parts.items():
            path = name.replace("__", "/").replace("_dot_", ".")
            content = content(dice) if callable(content) else content
            if content is None:
                files.pop(path)
            else:
                files[path] = content
        return files

    return build


def required(*lines: str):
    return changed(requirements_dot_txt=lambda dice: "numpy==2.4.6\n" + "\n".join(lines) + "\npillow==13.0.0\n")


def recipe(more: str = "", *, first: str = ""):
    def text(dice: random.Random) -> str:
        made = dockerfile(dice, more=more)
        return first + "\n" + made.partition("\n")[2] if first else made

    return changed(docker__Dockerfile=text)


def model(call: str, head: str = ""):
    return changed(generator_dot_py=lambda dice: generator(dice, head=f"import torch\n{head}", body=f"net = {call}"))


def letters(dice: random.Random, size: int, of: str = string.ascii_letters + string.digits) -> str:
    return "".join(dice.choice(of) for _ in range(size))


def in_file(path: str, text):
    return changed(**{path.replace("/", "__").replace(".", "_dot_"): text})


def zipped(dice: random.Random) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr("answers/one.glb", glb(dice))
    return buffer.getvalue()


def many_meshes(dice: random.Random):
    return {**base(dice), **{f"data/{word(dice)}_{n}.glb": glb(dice, 900) for n in range(12)}}


def vertices(dice: random.Random) -> str:
    rows = ", ".join(
        f"({dice.uniform(-1, 1):.5f}, {dice.uniform(-1, 1):.5f}, {dice.uniform(-1, 1):.5f})" for _ in range(900)
    )
    return f"SHAPE = [{rows}]\n"


def shapes(dice: random.Random) -> str:
    return json.dumps(
        {word(dice): {"vertices": [dice.random() for _ in range(60)], "faces": [1, 2, 3]} for _ in range(99)}
    )


NC = "Attribution-NonCommercial 4.0 International\n\nCreative Commons Corporation. NonCommercial means not intended..."
RESEARCH = "Copyright 2026. This software may be used for academic research purposes only. No commercial use.\n"
HUB = "from huggingface_hub import hf_hub_download, snapshot_download\n"
HF = "from transformers import AutoModel, pipeline\n"
SHA = "b5c5a8b4d3f0e1a29c7e6d5f4a3b2c1d0e9f8a7b"

CASES = [
    # licences
    ("no-licence", "no_licence", changed(LICENSE=None)),
    ("non-commercial", "licence_not_open", changed(LICENSE=NC)),
    ("research-only", "unknown_licence", changed(LICENSE=RESEARCH)),
    (
        "gpl-vendored",
        "licence_not_open",
        in_file("vendor/LICENSE", "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007"),
    ),
    # packages
    ("range", "not_pinned", required("torch>=2.4")),
    ("bare-name", "not_pinned", required("transformers")),
    ("wildcard", "not_pinned", required("diffusers==0.30.*")),
    ("compatible", "not_pinned", required("scipy~=1.17.0")),
    ("git-branch", "not_pinned", required("git+https://github.com/someone/thing@main")),
    ("git-tag", "not_pinned", required("thing @ git+https://github.com/someone/thing@v1.2")),
    ("short-commit", "not_pinned", required("git+https://github.com/someone/thing@1a2b3c4d")),
    ("bare-wheel", "not_pinned", required("https://files.example.org/thing-1.0-py3-none-any.whl")),
    ("own-index", "pip_option", required("--extra-index-url https://packages.example.org/simple", "thing==1.0")),
    ("include-outside", "include_outside", required("-r ../other/requirements.txt")),
    (
        "conda",
        "not_pinned",
        in_file("environment.yml", "name: x\ndependencies:\n  - python=3.11\n  - numpy\n  - pip:\n    - torch\n"),
    ),
    (
        "setup-py",
        "not_pinned_in_project",
        changed(
            requirements_dot_txt=None,
            setup_dot_py='from setuptools import setup\nsetup(name="x", install_requires=["torch>=2"])\n',
        ),
    ),
    (
        "pyproject",
        "not_pinned_in_project",
        changed(
            requirements_dot_txt=None,
            pyproject_dot_toml='[project]\nname = "x"\ndependencies = ["torch", "numpy>=1"]\n',
        ),
    ),
    ("editable", "editable", required("-e git+https://github.com/someone/thing@dev#egg=thing")),
    # models
    ("model-no-revision", "model_not_pinned", model('AutoModel.from_pretrained("facebook/dinov2-base")', HF)),
    (
        "model-branch",
        "model_not_pinned",
        model('AutoModel.from_pretrained("facebook/dinov2-base", revision="main")', HF),
    ),
    (
        "model-constant",
        "model_not_pinned",
        model("AutoModel.from_pretrained(NAME)", HF + 'NAME = "facebook/dinov2-base"\n'),
    ),
    (
        "hub-file",
        "model_not_pinned",
        model('hf_hub_download(repo_id="stabilityai/TripoSR", filename="model.ckpt")', HUB),
    ),
    ("hub-snapshot", "model_not_pinned", model('snapshot_download("stabilityai/TripoSR", revision="v1.0")', HUB)),
    ("torch-hub", "model_not_pinned", model('torch.hub.load("facebookresearch/dinov2", "dinov2_vits14")')),
    ("pipeline", "model_not_pinned", model('pipeline("depth-estimation", model="Intel/dpt-large")', HF)),
    (
        "model-by-alias",
        "model_not_pinned",
        model('AM.from_pretrained("facebook/dinov2-base")', "from transformers import AutoModel as AM\n"),
    ),
    (
        "model-in-recipe",
        "model_not_pinned",
        recipe("RUN huggingface-cli download stabilityai/TripoSR --local-dir /models\n"),
    ),
    (
        "model-non-commercial",
        "model_licence_not_open",
        model(f'AutoModel.from_pretrained("briaai/RMBG-2.0", revision="{SHA}")', HF),
    ),
    (
        "model-community-licence",
        "model_licence_not_open",
        model(f'AutoModel.from_pretrained("tencent/Hunyuan3D-2", revision="{SHA}")', HF),
    ),
    (
        "model-unknown",
        "model_licence_unknown",
        model(f'AutoModel.from_pretrained("some-body/new-model", revision="{SHA}")', HF),
    ),
    # recipe
    ("base-latest", "base_floating", recipe(first="FROM nvidia/cuda:latest")),
    ("base-bare", "base_floating", recipe(first="FROM python")),
    ("base-variable", "base_variable", recipe(first="ARG BASE\nFROM $BASE")),
    ("pip-in-recipe", "not_pinned", recipe("RUN pip install xformers ninja\n")),
    ("clone", "clone_floating", recipe("RUN git clone https://github.com/someone/thing /thing\n")),
    ("curl-sh", "script_from_network", recipe("RUN curl -fsSL https://get.example.org/x.sh | bash\n")),
    ("add-url", "fetched", recipe("ADD https://files.example.org/weights.bin /weights/\n")),
    # secrets
    ("hf-token", "secret", in_file("settings.py", lambda d: f'HF_TOKEN = "hf_{letters(d, 34)}"\n')),
    (
        "aws-key",
        "secret",
        in_file(
            "deploy/keys.env", lambda d: f"AWS_ACCESS_KEY_ID=AKIA{letters(d, 16, string.ascii_uppercase + '234567')}\n"
        ),
    ),
    ("openai-key", "secret", in_file("config.yaml", lambda d: f"key: sk-proj-{letters(d, 48)}\n")),
    (
        "private-key",
        "secret",
        in_file(
            "id_rsa", lambda d: f"-----BEGIN RSA PRIVATE KEY-----\n{letters(d, 64)}\n-----END RSA PRIVATE KEY-----\n"
        ),
    ),
    ("password", "secret", in_file("db.py", lambda d: f'PASSWORD = "{letters(d, 28)}"\n')),
    ("github-token", "secret", in_file("ci.sh", lambda d: f"export T=ghp_{letters(d, 36)}\n")),
    # files
    ("meshes", "embedded_output", many_meshes),
    ("one-large-mesh", "embedded_output", in_file("assets/hero.glb", lambda d: glb(d, 200_000))),
    ("mesh-renamed", "embedded_output", in_file("assets/palette.bin.txt", lambda d: glb(d, 9000))),
    (
        "mesh-in-base64",
        "embedded_output",
        in_file("blob.py", lambda d: f'DATA = "{base64.b64encode(glb(d, 900)).decode()}"\n'),
    ),
    ("vertices-written-out", "embedded_output", in_file("shape.py", vertices)),
    ("shapes-in-json", "embedded_output", in_file("data/shapes.json", shapes)),
    ("zip", "packed", in_file("data/cache.zip", zipped)),
    ("gzip-renamed", "packed", in_file("data/lut.dat", lambda d: gzip.compress(d.randbytes(9000)))),
    ("noise", "high_entropy", in_file("data/lut.dat", lambda d: b"\0" + d.randbytes(40_000))),
    ("program", "program", in_file("tools/bake", lambda d: b"\x7fELF\2\1\1\0" + d.randbytes(4000))),
    ("library", "program", in_file("fast.so", lambda d: b"\0\1" + d.randbytes(500))),
    (
        "bytecode",
        "program",
        in_file(
            "__pycache__/x.cpython-311.pyc".replace("__pycache__", "cache"), lambda d: b"\xa7\r\r\n" + d.randbytes(400)
        ),
    ),
    ("pickled-weights", "data_in_code", in_file("weights.pth", lambda d: b"\x80\x02" + d.randbytes(5000))),
    ("picture-with-tail", "hidden_data", in_file("docs/logo.png", lambda d: png(d) + d.randbytes(20_000))),
    (
        "lfs",
        "lfs_pointer",
        in_file(
            "model.onnx.txt", lambda d: f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest(d)}\nsize 9\n"
        ),
    ),
    ("python-2", "unreadable_python", in_file("old.py", "print 'hello'\nexec 'x = 1'\n")),
]
