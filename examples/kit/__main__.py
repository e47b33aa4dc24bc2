"""Put the demo's repositories together in a folder: `python -m examples.kit FOLDER`."""

import argparse
from pathlib import Path

from competition.solution import commit_of
from examples.kit import assemble


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.kit", description=__doc__)
    parser.add_argument("folder", type=Path, help="where one folder per miner is written")
    for repository in assemble(parser.parse_args().folder):
        print(f"{repository.name}: commit {commit_of(repository)}")


if __name__ == "__main__":
    main()
