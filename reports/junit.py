"""junit.xml: verdict, gates and checks as test cases, for a CI server."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from analysis.gates import Verdict
from analysis.run import Run
from analysis.summary import Summary
from analysis.verdict import reading
from analysis.wording import number

_GATES = {Verdict.FAILED: "failure", Verdict.UNDECIDED: "skipped", Verdict.NOT_VALID: "error"}
# A job that ends with 5 is red: something in its list of tests has to be so too.
_RUN = {**_GATES, Verdict.UNDECIDED: "failure"}


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    tag: str | None
    message: str


def junit(run: Run, summary: Summary) -> str:
    """Three suites: the verdict as one case, the gates, and the checks of the tester.

    A failed gate is a failure, an undecided one is skipped; what makes a run not valid is an error, for it
    says nothing of the system. The verdict is red wherever the exit code is not 0.
    """
    suites = {
        "verdict": [_Case(f"{run.candidate} may be released", _RUN.get(summary.verdict), summary.sentence)],
        "gates": [
            _Case(f"{gate.arm}: {gate.read.label}", _GATES.get(gate.verdict), reading(gate))
            for gate in summary.gates
        ],
        "validity": [
            _Case(
                check.name,
                None if check.ok else "error",
                f"{number(check.value)}, limit {number(check.limit)}. {check.remedy}",
            )
            for check in summary.validity
        ],
    }
    began = datetime.fromtimestamp(run.started_unix, UTC).isoformat(timespec="seconds")
    took_s = max(0.0, (run.ended_unix or run.started_unix) - run.started_unix)
    every = [case for cases in suites.values() for case in cases]
    root = ET.Element("testsuites", {"name": "ringtime", **_counts(every), "time": f"{took_s:.3f}"})
    for name, cases in suites.items():
        suite = ET.SubElement(root, "testsuite", {"name": name, **_counts(cases), "timestamp": began})
        spent_s = took_s if name == "verdict" else 0.0
        suite.set("time", f"{spent_s:.3f}")
        for case in cases:
            _append(suite, case, spent_s)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _counts(cases: Sequence[_Case]) -> dict[str, str]:
    tags = [case.tag for case in cases]
    plural = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    return {"tests": str(len(cases)), **{name: str(tags.count(tag)) for name, tag in plural.items()}}


def _append(suite: ET.Element, case: _Case, spent_s: float) -> None:
    """The message is an attribute and the text: GitHub's readers show the one, GitLab the other."""
    classname = f"ringtime.{suite.get('name')}"
    element = ET.SubElement(suite, "testcase", classname=classname, name=case.name, time=f"{spent_s:.3f}")
    if case.tag is not None:
        ET.SubElement(element, case.tag, message=case.message).text = case.message
