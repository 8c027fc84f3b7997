"""Network profiles on the command line: which there are, what one does, and proof that it is delivered."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from network import language, words
from network.emulation import Executor
from network.errors import NetworkError
from network.prove import EXECUTORS, prove
from network.sketch import sketch
from network.trace import voice

_COLUMNS = 72
_NOT_DELIVERED = 3


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m network`."""
    top = argparse.ArgumentParser(prog="python -m network", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)

    commands.add_parser(
        "list", help="the profiles there are", description="Prints the catalogue, a profile a line."
    )

    showing = commands.add_parser(
        "show",
        help="a profile in words, and the delay and loss it makes",
        description="Prints a profile in words and draws what it does to one call's voice, by the model.",
    )
    showing.add_argument("profile", metavar="NAME", help="a profile's name, or the path of a .toml file")
    showing.add_argument(
        "--seconds", type=_seconds, default=60.0, metavar="S", help="how long a call (default: %(default)g)"
    )
    showing.add_argument(
        "--seed", type=int, default=1, help="of the random numbers drawn (default: %(default)d)"
    )
    showing.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw to a .png, .svg or .pdf file instead"
    )

    proving = commands.add_parser(
        "prove",
        help="carry voice through a profile and hold it against the model",
        description="Carries twenty flows of voice both ways under a profile and holds each "
        "packet against the seeded model. Ends with 0 when the profile is delivered, with 3 when it is not.",
    )
    proving.add_argument(
        "--executor",
        choices=[str(each) for each in EXECUTORS],
        default=str(Executor.WIRE),
        help="what carries it; netem draws anew, so it is held against the model's quantiles "
        "(default: %(default)s)",
    )
    proving.add_argument("profile", metavar="NAME", help="a profile's name, or the path of a .toml file")
    proving.add_argument(
        "--seconds", type=_seconds, default=20.0, metavar="S", help="how long (default: %(default)g)"
    )
    proving.add_argument(
        "--seed", type=int, default=1, help="of the random numbers drawn (default: %(default)d)"
    )
    proving.add_argument("--plot", type=Path, metavar="FILE", help="draw to a .png, .svg or .pdf file")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 1 when it could not, 2 for a wrong command line.

    A proof that found the profile not delivered ends with 3.
    """
    options = parser().parse_args(arguments)
    try:
        if options.command == "list":
            _list()
        elif options.command == "show":
            _show(options)
        else:
            return _prove(options)
    except NetworkError as error:
        return _failed(options.command, str(error))
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError) as error:
        return _failed(options.command, f"{options.plot} cannot be written: {error}")
    return 0


def _list() -> None:
    profiles = [language.load(name) for name in language.names()]
    width = max(len(profile.name) for profile in profiles)
    for profile in profiles:
        print(f"{profile.name:{width}}  {profile.title} ({profile.source})")


def _show(options: argparse.Namespace) -> None:
    profile = language.load(options.profile)
    for line in (*words.lines(profile), *profile.warnings()):
        print(line)
    passages = voice(profile, seed=options.seed, for_s=options.seconds)
    if options.plot is None:
        print("", *sketch(passages, for_s=options.seconds, columns=_COLUMNS), sep="\n")
        return
    from network import drawing

    drawing.save(drawing.delays(f"{profile.name}: {profile.title}, by the model", passages), options.plot)
    print(f"drawn: {options.plot}")


def _prove(options: argparse.Namespace) -> int:
    profile = language.load(options.profile)
    executor = Executor(options.executor)
    proof = prove(profile, seed=options.seed, for_s=options.seconds, executor=executor)
    print(f"{profile.name} on the leg of {profile.leg} by {executor}, priority {proof.priority}")
    for check in proof.checks:
        print(f"{'ok ' if check.ok else 'NOT'} {check.name}: {check.got}; asked for {check.asked}")
    verdict = "delivered" if proof.ok else "not delivered"
    print(f"{profile.name} is {verdict}")
    if options.plot is not None:
        from network import drawing

        drawing.save(drawing.proof(f"{profile.name}: {verdict}", proof.passages), options.plot)
        print(f"drawn: {options.plot}")
    return 0 if proof.ok else _NOT_DELIVERED


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 1 to 3600")
    return seconds


def _failed(command: str, sentence: str) -> int:
    print(f"python -m network {command}: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
