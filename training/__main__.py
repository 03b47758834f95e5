"""This folder as a program, as Processing jobs run it from a zip file: `python3 code.zip compare --output ...`."""

import runpy
import sys


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("expected the name of a script: assemble, compare, evaluate, ...")
    script = sys.argv.pop(1)
    runpy.run_module(f"{__package__}.{script}" if __package__ else script, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
