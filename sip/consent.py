"""Whoever pays for the calls is asked before the first one."""

import os
import sys

from sip.course import Prepared


def is_given(prepared: Prepared) -> bool:
    """Whether it may be placed: on this machine, with `--yes`, or because somebody at the terminal agrees."""
    trunk = prepared.options.trunk
    return trunk is None or trunk.is_loopback or prepared.options.yes or _asked(prepared)


def _asked(prepared: Prepared) -> bool:
    chosen = prepared.options
    assert chosen.trunk is not None  # noqa: S101 - asked only where there is one
    print(
        f"{prepared.announcement} to {chosen.trunk.uri}, "
        f"to {', '.join(f'{arm.name} at {arm.number}' for arm in chosen.arms)}. They may cost money.",
        file=sys.stderr,
    )
    if chosen.provisions:
        print(
            f"For that it makes a trunk and a dispatch rule an arm at {os.environ['LIVEKIT_URL']}, removed "
            "at the end, and gives each agent one job before the first call.",
            file=sys.stderr,
        )
    if not sys.stdin.isatty():
        print("locust: error: nobody is there to agree: add --yes to go on without asking", file=sys.stderr)
        return False
    return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
