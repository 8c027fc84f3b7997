"""The vendor's filter is fetched once, and what stands in the way is said in a sentence."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from lab import vendor
from lab.errors import LabError, ProgramMissingError

NO_VERSION = (
    "error: No solution found when resolving dependencies\n  cause: Because there is no version of "
    "livekit-plugins-noise-cancellation==9.9.9 and you require it, your requirements are unsatisfiable."
)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for tools with nothing in it, and nothing on PATH but the system's own."""
    monkeypatch.setattr("lab.vendor._TOOLS", tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return tmp_path


def uv(tools: Path, program: str) -> None:
    """Put a program in uv's place that is given uv's arguments."""
    path = tools / "uv" / "bin" / "uv"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{program}\n")
    path.chmod(0o755)


def fetch(version: str) -> list[str]:
    """What is said while a version is fetched."""
    said: list[str] = []
    assert asyncio.run(vendor.fetched(version, said.append)) == vendor.folder(version)
    return said


def unfinished(tools: Path) -> list[Path]:
    """What interrupted fetches have left."""
    return list((tools / "noise-cancellation").glob("unfinished-*"))


def test_a_version_is_fetched_when_first_asked_for_and_kept(tools: Path) -> None:
    """The second time nothing is said or started."""
    uv(tools, 'while [ "$1" != --target ]; do shift; done; echo "$4" > "$2/what"')

    assert fetch("0.2.6") == ["fetching livekit-plugins-noise-cancellation 0.2.6, once"]
    assert (vendor.folder("0.2.6") / "what").read_text() == "livekit-plugins-noise-cancellation==0.2.6\n"
    assert fetch("0.2.6") == []
    assert unfinished(tools) == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            NO_VERSION,
            "there is no livekit-plugins-noise-cancellation 9.9.9: vendor-0.2.6 and vendor-0.3.2 are",
        ),
        (
            "error: Request failed after 3 retries\n  Caused by: Failed to fetch: `https://index.example/x/`",
            "Failed to fetch: its index; see to uv's network and index, or leave out the arm vendor-9.9.9",
        ),
    ],
)
def test_a_version_that_cannot_be_had_is_told_and_leaves_nothing(
    tools: Path, words: str, complaint: str
) -> None:
    """A wrong version is told from a network that is away, and no address of an index is shown."""
    (tools / "words").write_text(words)
    uv(tools, f"cat {tools / 'words'} >&2; exit 1")

    with pytest.raises(LabError) as caught:
        fetch("9.9.9")

    assert complaint in str(caught.value)
    assert "https://" not in str(caught.value)
    assert not vendor.is_fetched("9.9.9")
    assert unfinished(tools) == []


def test_a_fetch_that_takes_too_long_is_given_up(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process is ended."""
    monkeypatch.setattr("lab.vendor._FETCH_TIMEOUT_S", 0.2)
    uv(tools, "exec sleep 60")

    with pytest.raises(
        LabError, match=r"could not be fetched: it took longer than 0\.2 s; see to uv's network"
    ):
        fetch("0.2.6")

    assert unfinished(tools) == []


def test_without_uv_the_vendors_filter_cannot_be_had(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says how to get uv."""
    monkeypatch.setenv("PATH", str(tools))

    with pytest.raises(
        ProgramMissingError, match=r"uv, .*, is neither on PATH nor in \.tools/uv; install it"
    ):
        fetch("0.2.6")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("version", vendor.KNOWN_VERSIONS)
def test_the_vendors_own_package_registers_its_filter_from_its_folder(version: str) -> None:
    """Fetched from the index that uv is set up with, it is imported beside the SDK of this environment."""
    asyncio.run(vendor.fetched(version, print))
    program = (
        "from livekit import rtc; import livekit.plugins.noise_cancellation as vendor; "
        "print(vendor.__file__, flush=True); import os; os._exit(0)"
    )

    imported = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(vendor.folder(version)), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert imported.stdout.startswith(str(vendor.folder(version))), imported.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_index_itself_knows_no_version_9_9_9() -> None:
    """What uv says of it is understood."""
    with pytest.raises(LabError, match=r"there is no livekit-plugins-noise-cancellation 9\.9\.9: "):
        fetch("9.9.9")
