"""Filters compiled for a test."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ringtime_filters.libraries import Scripted

SOURCE = Path(__file__).parent / "scripted.c"


@pytest.fixture
def scripted(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scripted]:
    """A scripted filter; its parameter, if any, is a flag for the compiler."""
    path = tmp_path / "scripted.so"
    flags = [request.param] if hasattr(request, "param") else []
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", *flags, "-o", path, SOURCE], check=True)
    results, pipe = os.pipe()
    monkeypatch.setenv("SCRIPTED_FD", str(results))
    yield Scripted(path, pipe)
    os.close(pipe)  # an initialisation that is still waiting fails; its end of the pipe stays open for it
