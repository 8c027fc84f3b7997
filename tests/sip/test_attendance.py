"""The room's side of a run on a deployment is started with what was chosen, and its refusals are told."""

from pathlib import Path

import pytest

from sip import attendance
from sip.attendance import Attendance
from sip.errors import DeploymentError
from tests.sip.test_options import DEPLOYMENT, read

ON_A_TRUNK = ("--trunk", "sip:127.0.0.1")


def test_a_run_needs_the_deployment_to_make_numbers_or_to_watch() -> None:
    """Otherwise nothing is asked of it."""
    numbers = (*ON_A_TRUNK, "--numbers", "+1")
    agents = (*ON_A_TRUNK, "--agents", "mine", "--observe", "off")

    assert not attendance.is_needed(read(*numbers))
    assert attendance.is_needed(read(*numbers, environment=DEPLOYMENT))
    assert not attendance.is_needed(read(*numbers, "--observe", "off", environment=DEPLOYMENT))
    assert attendance.is_needed(read(*agents, environment=DEPLOYMENT))


def test_a_deployment_that_does_not_answer_is_told_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The sentence of `python -m rooms`, which also says it in its log."""
    for name, value in DEPLOYMENT.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "20260102T030405Z-abcdef"
    one = Attendance(read(*ON_A_TRUNK, "--agents", "mine", environment=DEPLOYMENT), folder)

    with pytest.raises(DeploymentError, match=r"nothing listens at ws://127\.0\.0\.1:1 .* LIVEKIT_URL right"):
        one.wait_ready(go_on=lambda: True)
    one.stop()

    assert "nothing listens at" in (folder / "logs" / "rooms.log").read_text()
    assert DEPLOYMENT["LIVEKIT_API_SECRET"] not in (folder / "logs" / "rooms.log").read_text()


def test_one_that_ends_without_a_word_is_told_with_its_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And with how to clean up after it."""
    monkeypatch.setenv("LIVEKIT_URL", "ws://127.0.0.1:1")
    one = Attendance(
        read(*ON_A_TRUNK, "--agents", "mine", environment=DEPLOYMENT), tmp_path / "not-the-name-of-a-run"
    )

    with pytest.raises(DeploymentError, match=r"exit code 2: see .*rooms\.log; `python -m rooms clean --run"):
        one.wait_ready(go_on=lambda: True)
    assert one.trouble() is not None
    one.stop()
