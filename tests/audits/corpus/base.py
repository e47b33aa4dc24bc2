"""What an honest repository looks like, in many spellings."""

from __future__ import annotations

import random
from pathlib import Path

from tests.audits.corpus import Files

LICENCES = Path(__file__).resolve().parents[3] / "examples" / "kit" / "LICENSE"
APACHE = """                                 Apache License
                           Version 2.0, January 2004
                        http://www.apache.org/licenses/
   3. Grant of Patent License. Subject to the terms and conditions of this License.
   4. Redistribution. You may reproduce and distribute copies of the
      Work or Derivative Works thereof in any medium, with or without
      modifications.
"""
ISC = """ISC License

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby
granted, provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES.
"""
WORDS = [
    "mesh",
    "field",
    "curve",
    "normal",
    "shell",
    "patch",
    "voxel",
    "grid",
    "sample",
    "depth",
    "edge",
    "corner",
    "plane",
    "sweep",
    "lathe",
    "extrude",
    "blend",
    "fold",
    "ridge",
    "slope",
    "cell",
    "layer",
    "band",
    "tile",
    "loop",
    "spline",
    "knot",
    "anchor",
    "pivot",
    "frame",
]


def word(dice: random.Random) -> str:
    return "_".join(dice.sample(WORDS, 2))


def digest(dice: random.Random, length: int = 64) -> str:
    return "".join(dice.choice("0123456789abcdef") for _ in range(length))


def base(dice: random.Random) -> Files:
    """Passes every rule."""
    service = dice.choice((FASTAPI, PLAIN, FLASK))
    return {
        "LICENSE": dice.choice((LICENCES.read_text(), APACHE, ISC)),
        "README.md": f"# {word(dice)}\n\nBuild: `docker build -f docker/Dockerfile .` See https://example.org/{word(dice)}.\n",
        "requirements.txt": requirements(dice),
        "docker/Dockerfile": dockerfile(dice),
        "serve.py": service,
        "generator.py": generator(dice),
    }


def requirements(dice: random.Random) -> str:
    lines = ["numpy==2.4.6", "pillow==13.0.0", "trimesh==5.2.0", "scipy==1.17.1"]
    dice.shuffle(lines)
    if dice.random() < 0.4:
        lines = [f"{line} --hash=sha256:{digest(dice)}" for line in lines]
    if dice.random() < 0.3:
        lines.insert(0, "# exact versions only")
    return "\n".join(lines) + "\n"


def dockerfile(dice: random.Random, *, more: str = "") -> str:
    return (
        f"FROM python:3.11-slim@sha256:{digest(dice)}\nWORKDIR /app\nCOPY requirements.txt .\n"
        f"RUN pip install --no-cache-dir -r requirements.txt\n{more}COPY . .\nUSER 1000\nEXPOSE 10006\n"
        'CMD ["python", "serve.py"]\n'
    )


def generator(dice: random.Random, *, body: str = "", head: str = "", tail: str = "") -> str:
    """A generator with other names and numbers each time; `body` goes into `generate`, indented by four."""
    first, second, third = word(dice), word(dice), word(dice)
    steps = dice.randint(6, 40)
    inside = "".join(f"    {line}\n" if line else "\n" for line in body.splitlines())
    return f'''"""Makes a {first.replace("_", " ")} from a picture."""

import io

import numpy as np
from PIL import Image
{head}

STEPS = {steps}


def {first}(pixels):
    grey = pixels.mean(axis=2) / 255.0
    return np.gradient(grey)[0] * {dice.randint(1, 9)}


def {second}(heights, seed):
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1e-6, heights.shape)
    return np.stack([heights + noise, heights - noise, np.ones_like(heights)], axis=-1)


def {third}(points):
    count = len(points)
    faces = [(i, (i + 1) % count, (i + 2) % count) for i in range(0, count, max(1, count // STEPS))]
    return np.asarray(faces)


def generate(image, seed=0, stem="", prompt=None):
    pixels = np.asarray(Image.open(io.BytesIO(image)).convert("RGB"))
{inside}    points = {second}({first}(pixels), seed).reshape(-1, 3)
    faces = {third}(points)
    out = io.BytesIO()
    np.savez(out, points=points, faces=faces)
    return out.getvalue()
{tail}'''


FASTAPI = '''"""The batch API."""

import os
import zipfile

import httpx
from fastapi import FastAPI

from generator import generate

app = FastAPI()
RESULTS = {}
FAILED = {}


@app.get("/health")
def health():
    return {"ok": True}


@app.post("/generate")
def submit(body: dict):
    for prompt in body["prompts"]:
        stem, image_url = prompt["stem"], prompt["image_url"]
        if stem in RESULTS:
            continue
        try:
            picture = httpx.get(image_url, timeout=30).content
            RESULTS[stem] = generate(picture, seed=body["seed"])
        except Exception as error:
            FAILED[stem] = str(error)
    return {"accepted": len(body["prompts"])}


@app.get("/results")
def results():
    with zipfile.ZipFile("/tmp/out.zip", "w") as archive:
        for stem, data in RESULTS.items():
            if stem not in FAILED:
                archive.writestr(f"{stem}.glb", data)
    return open("/tmp/out.zip", "rb").read()


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, host="0.0.0.0", port=int(os.environ.get("PORT", "10006")))
'''
FLASK = """import os
import re
import time
from urllib.request import urlopen

from flask import Flask, jsonify, request

import generator

app = Flask(__name__)
STEM = re.compile(r"[A-Za-z0-9._-]+")
done = {}


@app.route("/generate", methods=["POST"])
def generate():
    started = time.time()
    wanted = request.get_json()
    for item in wanted["prompts"]:
        stem = item["stem"]
        if not STEM.fullmatch(stem):
            return jsonify(error="bad stem"), 400
        with urlopen(item["image_url"]) as answer:
            done[stem] = generator.generate(answer.read(), seed=wanted["seed"])
        if time.time() - started > 3600:
            break
    return jsonify(accepted=len(done))


app.run(host=os.getenv("HOST", "0.0.0.0"), port=int(os.getenv("PORT", 10006)))
"""
PLAIN = """import json
import os
import socket
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from generator import generate

STATE = {"status": "warming_up", "progress": 0}
OUT = {}


def fetch(url, tries=3):
    for attempt in range(tries):
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return answer.read()
        except (OSError, socket.timeout):
            time.sleep(2 ** attempt)
    raise RuntimeError("no picture")


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        began = time.monotonic()
        for prompt in body["prompts"]:
            OUT[prompt["stem"]] = generate(fetch(prompt["image_url"]), seed=body["seed"])
            STATE["progress"] += 1
        STATE["seconds"] = time.monotonic() - began
        self.send_response(200)
        self.end_headers()


ThreadingHTTPServer((os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "10006"))), Handler).serve_forever()
"""


def with_generator(**parts: str):
    """A case whose generator has more in it."""

    def build(dice: random.Random) -> Files:
        return {**base(dice), "generator.py": generator(dice, **parts)}

    return build


def with_files(**made):
    """A case with more files, each a text, or a function of the dice; `__` stands for a slash, `_dot_` for a dot."""

    def build(dice: random.Random) -> Files:
        files = base(dice)
        for name, content in made.items():
            path = name.replace("__", "/").replace("_dot_", ".")
            files[path] = content(dice) if callable(content) else content
        return files

    return build
