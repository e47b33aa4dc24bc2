"""How long do importing and verifying public state repositories take, and how much memory?

    python -m benchmarks.records FOLDER_OF_REPOSITORIES

Imports into a fresh embedded PostgreSQL in a folder of its own (with disk syncs, as deployed), imports again, exports,
and runs the verifier, each in a process of its own; prints wall time, processor time and peak memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def timed(what: str, *arguments: str, var: Path) -> None:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "GAUNTLET_VAR": str(var)}
    command = ["/usr/bin/env", sys.executable, "-c", MEASURED, *arguments]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - begun
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = ran.stdout.strip().splitlines()[-1] if ran.stdout.strip() else "?"
    print(f"{what:<28} {wall:6.1f} s wall {processor:6.1f} s processor {peak:>9} peak   exit {ran.returncode}")
    if ran.returncode not in (0, 1):
        sys.exit(ran.stderr[-2000:])


# Runs `python ARGUMENTS` in this process and then says what memory it took at most.
MEASURED = """
import resource, runpy, sys
sys.argv = sys.argv[1:]
try:
    if sys.argv[0] == "-m":
        sys.argv = sys.argv[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as ended:
    code = ended.code
else:
    code = 0
print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
sys.exit(code)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=Path, help="a state repository, or a folder of them")
    records = str(parser.parse_args().records.resolve())
    with tempfile.TemporaryDirectory(prefix="gauntlet-bench-") as folder:
        var = Path(folder)
        timed("migrate", "manage.py", "migrate", "-v0", var=var)
        timed("import", "manage.py", "import_records", records, var=var)
        timed("import again, unchanged", "manage.py", "import_records", records, var=var)
        timed("export", "manage.py", "export_records", str(var / "export"), var=var)
        timed("verify the export", "-m", "verify", str(var / "export"), var=var)
        subprocess.run(["/usr/bin/env", sys.executable, "-c", STOP, str(var)], cwd=ROOT, check=False, timeout=60)


STOP = "import sys; from pathlib import Path; from core.postgres.server import Cluster; "
STOP += "Cluster(Path(sys.argv[1]) / 'postgres').stop()"

if __name__ == "__main__":
    main()
