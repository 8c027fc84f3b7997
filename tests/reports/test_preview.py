"""Before the first call: what a run of this size cannot decide, and which gates there are not."""

import pytest

from reports.preview import main


def test_gates_that_a_run_cannot_decide_are_named_with_the_calls_they_need(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """30 clean calls bound a share at 9.5 %: enough for 10 %, not for 2 % (149 calls)."""
    code = main(["--arm", "new", "--calls", "30", "--tau", "15", "--gate", "not_answered=0.02"])

    assert code == 0
    assert capsys.readouterr().out.strip().endswith("however clean: not answered ≤ 0.02 (needs 149)")


def test_nothing_is_said_where_every_gate_can_be_decided(capsys: pytest.CaptureFixture[str]) -> None:
    """Silence means that the size will do."""
    code = main(["--arm", "new", "--calls", "30", "--tau", "15", "--gate", "not_answered=0.1"])

    assert (code, capsys.readouterr().out) == (0, "")


def test_without_gates_the_whole_catalogue_is_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    """The defaults need 149 calls for the share, 59 for the percentiles."""
    main(["--arm", "new", "--calls", "60", "--tau", "60"])

    said = capsys.readouterr().out
    assert "not answered ≤ 0.02 (needs 149)" in said
    assert "p95" not in said


def test_a_gate_that_is_not_there_is_refused_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, as for any wrong option."""
    code = main(["--arm", "new", "--calls", "60", "--tau", "60", "--gate", "charm=1"])

    assert code == 2
    assert "charm" in (said := capsys.readouterr().err)
    assert "not_answered" in said
