"""Small services for the pods' tests: an honest one, and each way of not being it."""

from pathlib import Path

from audits.pods.base import Image
from competition.solution import commit_of

HONEST = """
import hashlib, io, json, threading, urllib.request, zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Service(BaseHTTPRequestHandler):
    state, stems, archive, hold, remaining = "ready", None, b"", threading.Event(), None

    def do_GET(self):
        if self.path.startswith("/status"):
            type(self).remaining = int(self.path.rpartition("=")[2])
            self.say(200, self.status())
        elif self.path == "/results":
            self.results()
        elif self.path == "/release":
            self.hold.set()
            self.say(200, {})
        else:
            self.say(200 if self.path == "/health" else 404, {})

    def status(self):
        return {"status": self.state, "progress": 0, "total": len(self.stems or ()), "payload": None}

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        stems = {p["stem"] for p in asked["prompts"]}
        if self.state == "generating" and stems != self.stems:
            return self.say(409, {"current_status": self.state})
        if stems != self.stems:
            type(self).stems, type(self).state = stems, "generating"
            threading.Thread(target=self.generate, args=(asked,), daemon=True).start()
        self.say(200, {"accepted": len(stems)})

    def generate(self, asked):
        out, failed = io.BytesIO(), {}
        with zipfile.ZipFile(out, "w") as archive:
            for p in asked["prompts"]:
                picture = urllib.request.urlopen(p["image_url"], timeout=5).read()
                if picture == b"impossible":
                    failed[p["stem"]] = "too hard"
                else:
                    made = hashlib.sha256(picture).hexdigest() + " " + str(asked["seed"])
                    archive.writestr(p["stem"] + ".glb", made)
            if failed:
                archive.writestr("_failed.json", json.dumps(failed))
        self.before_complete()
        type(self).archive, type(self).state = out.getvalue(), "complete"

    def before_complete(self):
        pass

    def results(self):
        if self.state != "complete":
            return self.say(409, {"current_status": self.state})
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.archive)))
        self.end_headers()
        self.wfile.write(self.archive)

    def say(self, code, document):
        data = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass

def serve(service=Service):
    import os
    address = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", 10006))
    ThreadingHTTPServer(address, service).serve_forever()
"""

SERVICES = {
    "honest": "from honest import *; serve()",
    "held": """
from honest import *
class Held(Service):
    def before_complete(self): self.hold.wait()
serve(Held)
""",
    "replacer": """
from honest import *
class Replacer(Service):
    def status(self): return {"status": "replace", "payload": {"reason": "slow machine"}}
serve(Replacer)
""",
    "lazy": """
from honest import *
class Lazy(Service):  # wants another machine as long as there is one
    def status(self): return {**super().status(), "status": "replace" if self.remaining else self.state}
serve(Lazy)
""",
    "rubbish": """
from honest import *
class Rubbish(Service):
    def status(self): return ["ready"]
serve(Rubbish)
""",
    "bomber": """
from honest import *
class Bomber(Service):
    def before_complete(self): pass
    def results(self):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for stem in self.stems: archive.writestr(stem + ".glb", bytes(8 << 20))
        type(self).archive = out.getvalue()
        super().results()
serve(Bomber)
""",
    "quitter": "print('no weights'); raise SystemExit(3)",
    "crasher": """
from honest import *
import os
class Crasher(Service):
    def before_complete(self): os._exit(9)
serve(Crasher)
""",
    "suicide": """
import os, signal, time
time.sleep(0.1)
os.kill(os.getpid(), signal.SIGKILL)
""",
    "exit_137": "raise SystemExit(137)",
    "exit_125": "raise SystemExit(125)",
    "murdered": """
import os, signal, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", f"import os; os.kill({os.getpid()}, {int(signal.SIGKILL)})"])
time.sleep(60)
""",
    "group_suicide": "import os, signal; os.killpg(0, signal.SIGKILL)",
    "everybody": "import os, signal; os.kill(-1, signal.SIGKILL); os.kill(os.getpid(), signal.SIGKILL)",
    "hanger": """
import socket, time
s = socket.socket(); s.bind(("0.0.0.0", 10006)); s.listen()
while True:
    time.sleep(60)
""",
    "dripper": """
import socket, time
s = socket.socket(); s.bind(("0.0.0.0", 10006)); s.listen()
while True:
    c, _ = s.accept()
    try:
        c.sendall(b"HTTP/1.1 200 OK\\r\\n")
        while True:
            c.sendall(b"X-Drip: 1\\r\\n"); time.sleep(0.05)
    except OSError:
        pass
""",
    "chatter": "import sys\nwhile True: sys.stdout.write('x' * 65536)",
    "eater": "print('eating', flush=True); held = bytearray(1 << 40)",
    "signaller": """
import os, signal, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGSTOP, signal.SIGHUP):
    os.kill(1, number)
print("sent", flush=True)
while True: time.sleep(60)
""",
    "daemon": """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True: time.sleep(60)
    os._exit(0)
while True: time.sleep(60)
""",
    "spy": """
import ctypes, json, os, socket, urllib.request
def tried(what):
    try: return repr(what())
    except Exception as reason: return "refused: " + type(reason).__name__
def connect(address):
    with socket.create_connection(address, 1) as s: return "connected"
def picture(path): return urllib.request.urlopen("http://127.0.0.1:10007/" + path).read()
asked = json.load(open("asked.json"))
print(json.dumps({
    "files": {path: tried(lambda: open(path).read()) for path in asked["files"]},
    "writes": {path: tried(lambda: open(path, "w")) for path in asked["writes"]},
    "addresses": {str(a): tried(lambda: connect(tuple(a))) for a in asked["addresses"]},
    "sockets": {path: tried(lambda: socket.socket(socket.AF_UNIX).connect(path)) for path in asked["sockets"]},
    "families": {str(f): tried(lambda: socket.socket(f).close()) for f in (16, 17, 40)},
    "pictures": {p: tried(lambda: picture(p)) for p in asked["pictures"]},
    "namespace": tried(lambda: ctypes.CDLL(None).unshare(0x10000000)),
    "user": os.getuid(), "processes": [p for p in os.listdir("/proc") if p.isdigit()],
    "environment": dict(os.environ), "root": sorted(os.listdir("/")),
}), flush=True)
import time
while True: time.sleep(60)
""",
}


def repository(repos: Path, name: str, *, files: dict[str, str] | None = None) -> Image:
    """A miner's folder in `repos`, and what they would have revealed about it."""
    folder = repos / name
    folder.mkdir(parents=True)
    (folder / "honest.py").write_text(HONEST)
    (folder / "serve.py").write_text(SERVICES[name])
    for path, text in (files or {}).items():
        (folder / path).write_text(text)
    return Image(repo=f"miner/{name}", commit=commit_of(folder))
