"""junit.xml: gates and checks as test cases, for a CI server."""

import xml.etree.ElementTree as ET

from analysis.gates import Verdict
from analysis.summary import Summary
from analysis.verdict import reading
from analysis.wording import number


def junit(summary: Summary) -> str:
    """One suite of checks of the tester and one of gates: failed is a failure, undecided is skipped."""
    root = ET.Element("testsuites", name="ringtime")
    _suite(
        root,
        "validity",
        [
            (check.name, *_check(check.ok, check.value, check.limit, check.remedy))
            for check in summary.validity
        ],
    )
    _suite(root, "gates", [
        (f"{gate.arm}: {gate.read.label}", _tag(gate.verdict), reading(gate)) for gate in
    summary.gates ])  # fmt: skip
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _check(ok: bool, value: float | None, limit: float | None, remedy: str) -> tuple[str | None, str]:
    return None if ok else "failure", f"{number(value)}, limit {number(limit)}. {remedy}"


def _tag(verdict: Verdict) -> str | None:
    return {Verdict.PASSED: None, Verdict.FAILED: "failure"}.get(verdict, "skipped")


def _suite(root: ET.Element, name: str, cases: list[tuple[str, str | None, str]]) -> None:
    def count(tag: str) -> str:
        return str(sum(case[1] == tag for case in cases))

    suite = ET.SubElement(
        root,
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=count("failure"),
        skipped=count("skipped"),
    )
    for title, tag, message in cases:
        case = ET.SubElement(suite, "testcase", classname=f"ringtime.{name}", name=title)
        if tag is not None:
            ET.SubElement(case, tag, message=message)
