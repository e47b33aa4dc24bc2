"""Hand the shared files out to the miners' folders: a miner's repository stands on its own.

`python -m examples.kit` copies; the copies are committed, because they are part of what each miner reveals.
"""

import argparse
import shutil

from examples.kit import SHARED, miners


def main() -> None:
    argparse.ArgumentParser(prog="python -m examples.kit", description=__doc__).parse_args()
    for folder in miners():
        for name, source in SHARED.items():
            target = folder / name
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, target)
        print(f"{folder.name}: {len(SHARED)} files")


if __name__ == "__main__":
    main()
