"""Where a run's figures are pushed to, as far as that can be checked before the first call."""

from urllib.parse import urlsplit

from sip.errors import UsageError


def read(url: str) -> str:
    """The URL itself; raises UsageError where it is none, or would bring a secret into run.json."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError("--otlp", url, f"{error}: write it as http://collector:4318") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("--otlp", url, "write it as http://collector:4318")
    if "@" in parts.netloc:
        raise UsageError(
            "--otlp", parts.hostname, "a URL is recorded: put what is secret into RINGTIME_OTLP_HEADERS"
        )
    return url
