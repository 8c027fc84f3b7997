"""What a capacity run can be given: `python -m capacity options`."""

import argparse
import sys
from collections.abc import Sequence

from capacity.options import DECLARED
from sip import option_help


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the options; 0, or 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="python -m capacity", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "options", help="show the options of locustfiles/capacity.py, which Locust's own --help does not"
    )
    parser.parse_args(arguments)
    option_help.show("locustfiles/capacity.py", DECLARED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
