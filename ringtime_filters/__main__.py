"""Say which library is to stand in for a filter: `python -m ringtime_filters FILTER`."""

from __future__ import annotations

import argparse
import sys

from ringtime_filters.errors import FilterError
from ringtime_filters.wrapping import wrapper_for


def main() -> int:
    """Print the wrapper's path, or the reason why there is none for this library."""
    parser = argparse.ArgumentParser(prog="python -m ringtime_filters", description=__doc__)
    parser.add_argument(
        "filter", help="the filter's shared library; RINGTIME_FILTER will have to name it too"
    )
    try:
        print(wrapper_for(parser.parse_args().filter))
    except FilterError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
