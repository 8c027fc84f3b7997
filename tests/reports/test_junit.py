"""junit.xml as GitLab and the reporters of GitHub read it."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.gates import Verdict
from reports.handover import read_runs
from reports.junit import junit

WriteRun = Callable[..., Path]
PASSED = {"gates": {"not_answered": 0.1}}
FAILED = {"arms": (("bounded", "bounded"), ("unbounded", "unbounded"))}
UNDECIDED = {"gates": {"not_answered": 0.01}, "stalled_share": 0.0}
NOT_VALID = {"calls": 0, "warm_up": 0}
TAGS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def _tree(folder: Path) -> tuple[ET.Element, Verdict]:
    read = read_runs([folder])
    return ET.fromstring(junit(read.run, read.summary)), read.summary.verdict  # noqa: S314 - of our own


def _only(suite: ET.Element) -> str | None:
    (case,) = suite
    return case[0].tag if len(case) else None


@pytest.mark.parametrize(
    ("fields", "tag"),
    [(PASSED, None), (FAILED, "failure"), (UNDECIDED, "failure"), (NOT_VALID, "error")],
    ids=["passed", "failed", "undecided", "not valid"],
)
def test_the_verdict_is_a_case_that_is_red_where_the_job_is(
    write_run: WriteRun, fields: dict[str, object], tag: str | None
) -> None:
    """Somebody who sees a red job finds at least one red test."""
    root, verdict = _tree(write_run(**fields))

    assert _only(next(iter(root))) == tag
    assert (int(root.get("failures", 0)) + int(root.get("errors", 0)) > 0) == (verdict.exit_code != 0)


def test_an_undecided_gate_is_skipped_with_what_is_missing(write_run: WriteRun) -> None:
    """It was neither kept nor broken, and its words say how many calls there were."""
    root, _ = _tree(write_run(**UNDECIDED))

    (skipped,) = root.findall("testsuite[@name='gates']/testcase/skipped")

    assert "n = 30" in skipped.get("message", "")
    assert skipped.text == skipped.get("message")


def test_a_check_that_the_tester_failed_is_an_error_and_not_a_failure(write_run: WriteRun) -> None:
    """It says nothing of the system under test."""
    root, _ = _tree(write_run(**NOT_VALID))

    validity = root.find("testsuite[@name='validity']")

    assert validity is not None
    assert int(validity.get("errors", 0)) >= 1
    assert validity.get("failures") == "0"


@pytest.mark.parametrize("fields", [PASSED, FAILED, UNDECIDED, NOT_VALID])
def test_counts_are_those_of_the_cases_and_no_two_cases_are_taken_for_one(
    write_run: WriteRun, fields: dict[str, object]
) -> None:
    """GitLab tells cases apart by class and name, Jenkins believes the counts."""
    root, _ = _tree(write_run(**fields))
    cases = root.findall("testsuite/testcase")

    for holder in (root, *root):
        own = list(holder.iter("testcase"))
        assert int(holder.get("tests", -1)) == len(own)
        for count, tag in TAGS.items():
            assert int(holder.get(count, -1)) == len(list(holder.iter(tag)))
        assert float(holder.get("time", -1)) >= 0
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)
