"""What the analysis says before the first call reaches the run: a warning, or a refusal."""

import argparse
from collections.abc import Iterator, Mapping

import pytest

from sip import options
from sip.declared import DECLARED
from sip.description import planned
from sip.errors import OptionRefusedError
from sip.options import Options
from sip.preview import Preview


def _options(**given: object) -> Options:
    known: Mapping[str, object] = {
        name.replace("-", "_"): settings.get("default", False if "action" in settings else None)
        for name, settings in DECLARED.items()
    }
    return options.read(argparse.Namespace(**{**known, "run_time": None, **given}), {})


@pytest.fixture
def previews() -> Iterator[list[Preview]]:
    """Children that a test leaves behind are ended."""
    started: list[Preview] = []
    yield started
    for preview in started:
        preview.kill()


def test_what_a_run_cannot_decide_is_heard_once(previews: list[Preview]) -> None:
    """100 calls an arm are too few for 2 % not answered; whoever asks again hears nothing."""
    chosen = _options()
    preview = Preview(chosen, planned(chosen))
    previews.append(preview)

    assert "not answered ≤ 0.02 (needs 149)" in preview.heed()
    assert preview.heed() == ""


def test_what_the_analysis_refuses_is_an_option_refused(previews: list[Preview]) -> None:
    """Side, arm and network go with the name."""
    chosen = _options(gates="older:wait_p95_s<=3")
    preview = Preview(chosen, planned(chosen))
    previews.append(preview)

    with pytest.raises(
        OptionRefusedError, match="names the arm 'older', and this run has unbounded and bounded"
    ):
        preview.heed()
