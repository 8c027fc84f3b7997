"""The options of a locustfile as help text, which Locust prints before it has read the locustfile."""

import argparse
from collections.abc import Mapping
from typing import Any

from sip.declared import declare


class _Shown(argparse.ArgumentParser):
    """Shows what Locust's own parser declares, with the variable that each option can come from."""

    def add_argument(self, *names: str, env_var: str = "", **settings: Any) -> argparse.Action:
        """Declare an option, its variable in its help."""
        if env_var:
            settings["help"] = f"{settings['help']} [{env_var}]"
        return super().add_argument(*names, **settings)


def show(locustfile: str, declared: Mapping[str, Mapping[str, Any]]) -> None:
    """Print them all."""
    shown = _Shown(
        prog=f"locust -f {locustfile}",
        usage="%(prog)s [--headless] [-t TIME] [OPTION …]",
        description="Options beside Locust's own, from the command line, else from the variable in brackets, "
        "else from [tool.locust] in pyproject.toml.",
        add_help=False,
    )
    declare(shown, declared)
    shown.print_help()
