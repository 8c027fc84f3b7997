"""What `python -m sip` shows."""

import pytest

from sip.__main__ import main
from sip.declared import DECLARED


def test_every_option_of_a_run_is_shown_with_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    """Locust prints its own --help before it has read a locustfile."""
    assert main(["options"]) == 0

    shown = " ".join(capsys.readouterr().out.split())

    for name in DECLARED:
        assert f"--{name} " in shown
        assert f"[RINGTIME_{name.upper().replace('-', '_')}]" in shown
