"""Slipway's sandbox: AWS, users and ground truth on one machine."""

import argparse
import signal
import sys
from pathlib import Path

from sandbox.demo.drifts import DRIFTS
from sandbox.demo.stories import DEFAULT, LOOP, LOOPS, STORIES

OUT = Path("out/demo")


def parser() -> argparse.ArgumentParser:
    stories = "\n".join(
        f"  {story.name:14} {story.says} ({story.expected})" for story in [*STORIES.values(), *LOOPS.values()]
    )
    stories += f"\n  {LOOP:14} {', '.join(LOOPS)} in turn"
    stories += "".join(f"\n  {story.name:14} {story.says} ({story.remedy})" for story in DRIFTS.values())
    made = argparse.ArgumentParser(
        prog="python -m sandbox",
        description=__doc__,
        epilog=f"stories:\n{stories}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help=f"the main job; tells {', '.join(DEFAULT)} unless told otherwise")
    demo.add_argument(
        "--story", action="append", choices=[*STORIES, *DRIFTS, LOOP, *LOOPS, "all"], help="may be given more than once"
    )
    up = commands.add_parser("up", help="deploy, serve and stay up as a server for aws, cdk and boto3, until Ctrl-C")
    up.add_argument("--port", type=int, default=4566)
    up.add_argument("--bare", action="store_true", help="an empty account: nothing deployed, no users")
    story = commands.add_parser("story", help="tell a story against the sandbox that `up` runs")
    story.add_argument("name", choices=STORIES)
    for command in (demo, up):
        command.add_argument("--data", type=Path, metavar="FILE.csv", help="creditcard.csv, instead of a download")
        command.add_argument("--speed", type=float, help="how much faster than real time the sandbox's clock runs")
        command.add_argument("--rate", type=float, help="users' requests a real second")
    for command in (demo, up, story):
        command.add_argument("--out", type=Path, default=OUT, help=f"where logs and reports go (default: {OUT})")
    return made


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    # A terminated demo cleans up like an interrupted one.
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    from sandbox.data import DataUnavailable
    from sandbox.demo import drifting, loop, run, up
    from sandbox.demo.baseline import BaselineFailed
    from sandbox.demo.toolchain import ToolchainFailed
    from sandbox.demo.watch import NoRelease
    from sandbox.demo.world import TrainingFailed
    from sandbox.environment import StartError

    try:
        if options.command == "demo":
            chosen = options.story or list(DEFAULT)
            stories = list(STORIES) if "all" in chosen else [name for name in chosen if name in STORIES]
            drifts = [name for name in chosen if name in DRIFTS]
            loops = [name for name in LOOPS if name in chosen or LOOP in chosen]
            speed, rate, ended = options.speed or run.SPEED, options.rate or run.RATE, 0
            if stories:
                ended = run.run(stories, options.out, options.data, speed, rate)
            if drifts:
                speed = options.speed or drifting.SPEED
                ended = max(ended, drifting.tell_all(drifts, options.out / "drift", options.data, speed))
            for name in loops:
                told = loop.run(name, options.out / name, options.data, options.speed, options.rate)
                ended = max(ended, told)
            return ended
        if options.command == "up":
            return up.serve(options)
        return up.story(options.name, options.out)
    except (
        DataUnavailable,
        ToolchainFailed,
        TrainingFailed,
        BaselineFailed,
        NoRelease,
        loop.NotClosed,
        StartError,
    ) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; nothing is left running\n")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
