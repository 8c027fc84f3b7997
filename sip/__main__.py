"""SIP from the command line: `python -m sip options` says what a run can be given, `answer` answers calls."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from sip import answering_options, options


class _Shown(argparse.ArgumentParser):
    """Shows what Locust's own parser declares, with the variable that each option can come from."""

    def add_argument(self, *names: str, env_var: str = "", **settings: Any) -> argparse.Action:
        """Declare an option, its variable in its help."""
        if env_var:
            settings["help"] = f"{settings['help']} [{env_var}]"
        return super().add_argument(*names, **settings)


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
    shown = _Shown(
        prog="locust -f locustfiles/calls.py",
        usage="%(prog)s [--headless] [-t TIME] [OPTION …]",
        description="Options beside Locust's own, from the command line, else from the variable in brackets, "
        "else from [tool.locust] in pyproject.toml.",
        add_help=False,
    )
    options.declare(shown)
    shown.print_help()
    return 0


if __name__ == "__main__":
    sys.exit(main())
