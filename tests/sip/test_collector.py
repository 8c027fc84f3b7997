"""Where figures are pushed to is checked before the first call."""

import pytest

from sip import collector
from sip.errors import UsageError


def test_a_collector_s_url_is_taken_as_it_is() -> None:
    """The path is the report's matter."""
    assert collector.read("https://collector:4318/otlp") == "https://collector:4318/otlp"


@pytest.mark.parametrize("url", ["collector:4318", "grpc://collector:4317", "http://", "http://[::1"])
def test_what_is_no_url_is_refused_with_one_that_is(url: str) -> None:
    """By the option's name, with an example."""
    with pytest.raises(UsageError, match=r"--otlp.*http://collector:4318"):
        collector.read(url)


def test_a_url_with_a_secret_is_refused_without_repeating_it() -> None:
    """Options are written to run.json."""
    with pytest.raises(UsageError, match="RINGTIME_OTLP_HEADERS") as refused:
        collector.read("http://me:hunter2@collector:4318")

    assert "hunter2" not in str(refused.value)
