"""Draw the demo's prompts again: `python -m examples.prompts [--folder FOLDER]`."""

import argparse
from pathlib import Path

from examples.objects import OBJECTS
from examples.prompts import FOLDER, picture_of


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m examples.prompts", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="where the pictures go (default: the committed ones)"
    )
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in OBJECTS:
        (folder / f"{name}.png").write_bytes(picture_of(name))
        print(f"{folder / name}.png")


if __name__ == "__main__":
    main()
