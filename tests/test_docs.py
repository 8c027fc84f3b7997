"""The documentation says what is so: its links, options, gates and exit codes."""

import argparse
import re
from pathlib import Path

import pytest

from analysis import gate_name
from analysis.gates import DEFAULTS, Verdict
from analysis.regression import MARGINS
from capacity.options import DECLARED
from lab.command_line import parser as lab_parser
from network.__main__ import parser as network_parser
from rooms.__main__ import parser as rooms_parser
from sip.__main__ import parser as sip_parser
from sip.outcome import Outcome

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LOCUST_S_OWN = {"headless", "help", "processes", "master", "master-host", "expect-workers", "worker"}
TOOLS = {"notebook", "out", "no-html"}  # of python -m reports


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """The long options of a parser and of its commands."""
    found: set[str] = set()
    for action in parser._actions:
        found |= {option.removeprefix("--") for option in action.option_strings if option.startswith("--")}
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                found |= options_of(command)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """A relative link names a file of the repository."""
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text())

    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]

    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_that_is_named_exists(page: Path) -> None:
    """A reader who types what is written is not refused."""
    named = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", page.read_text()))
    trunk = {"livekit-url", "sip-port", "rtp-ports"}  # of python -m lab.trunk

    assert (
        named
        <= set(DECLARED)
        | options_of(lab_parser())
        | options_of(network_parser())
        | options_of(rooms_parser())
        | options_of(sip_parser())
        | LOCUST_S_OWN
        | TOOLS
        | trunk
    )


def test_the_gates_and_their_limits_are_those_of_the_analysis() -> None:
    """The table of docs/reading.md is the catalogue."""
    rows = re.findall(
        r"^\| `(\w+)` \| ([≤≥]) ([-\d.]+) \|", (ROOT / "docs" / "reading.md").read_text(), re.MULTILINE
    )

    assert {(name, side == "≥", float(limit)) for name, side, limit in rows} == {
        (name, gate_name.read(name).at_least, limit) for name, limit in {**DEFAULTS, **MARGINS}.items()
    }


def test_the_metrics_of_gates_are_those_of_the_analysis() -> None:
    """Every form is in the table of docs/reading.md, with its side, and no other."""
    text = (ROOT / "docs" / "reading.md").read_text()
    table = text[text.index("| metric | is | side |") : text.index("A TOML file holds the same")]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:] if line.startswith("|")]
    documented = {form for names, _, _ in rows for form in re.findall(r"`(\w+)`", names)}

    assert documented == set(gate_name.forms())
    for names, _, sides in rows:
        forms = re.findall(r"`(\w+)`", names)
        signs = [gate_name.read(form.replace("NN", "95")).sign for form in forms]
        assert sides.split(", ") in (list(dict.fromkeys(signs)), signs)


def test_the_outcomes_are_those_of_a_call() -> None:
    """Every outcome is explained, and no other."""
    text = (ROOT / "docs" / "reading.md").read_text()
    table = text[text.index("## Outcomes") : text.index("## Why")]

    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(Outcome)


def test_the_exit_codes_are_those_of_the_verdicts() -> None:
    """Release pipelines depend on them."""
    text = (ROOT / "docs" / "reading.md").read_text()

    for verdict in Verdict:
        assert re.search(rf"^\| {verdict.exit_code} \| {verdict.replace('_', ' ')}", text, re.MULTILINE)
