"""SIP from the command line: `python -m sip options` says what a run can be given, `answer` answers calls."""

import argparse
import sys
from collections.abc import Sequence

from sip import answering_options, option_help
from sip.declared import DECLARED


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m sip`."""
    top = argparse.ArgumentParser(prog="python -m sip", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "options", help="show the options of locustfiles/calls.py, which Locust's own --help does not"
    )
    answer = commands.add_parser("answer", help="answer calls as a trunk of known capacity does")
    answering_options.declare(answer)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 2 for a wrong command line."""
    given = parser().parse_args(arguments)
    if given.command == "answer":
        return answering_options.run(given)
    option_help.show("locustfiles/calls.py", DECLARED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
