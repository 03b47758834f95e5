"""What Processing jobs run, from a zip file of this folder: `python3 code.zip compare --output ...`.

A script of this folder, or another program on PYTHONPATH such as `monitoring`. LIBRARIES: a folder of wheels.
"""

import os
import runpy
import sys
from contextlib import nullcontext
from pathlib import Path

if __package__:
    from training import libraries
else:  # in the container the files lie flat
    import libraries


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("expected the name of a script: assemble, compare, evaluate, ...")
    script = sys.argv.pop(1)
    folder = os.environ.get("LIBRARIES")
    with libraries.unpacked(Path(folder)) if folder else nullcontext():
        runpy.run_module(f"{__package__}.{script}" if __package__ else script, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
