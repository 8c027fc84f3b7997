"""The summary on the page of a GitHub Actions job."""

from collections.abc import Mapping
from pathlib import Path

VARIABLE = "GITHUB_STEP_SUMMARY"


def append_to_job(markdown: str, environment: Mapping[str, str]) -> None:
    """Append to the file that the job's page shows, where there is one; raises OSError.

    Other steps of the job write there too, so nothing of it is replaced.
    """
    if named := environment.get(VARIABLE):
        with Path(named).open("a", encoding="utf-8") as page:
            page.write(markdown)
