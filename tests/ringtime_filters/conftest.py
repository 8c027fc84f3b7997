"""Filters compiled for a test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ringtime_filters.libraries import HERE, Scripted, compiled


@pytest.fixture
def scripted(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scripted]:
    """A scripted filter whose initialisation waits for the test; its parameter is a compiler flag."""
    flags = [request.param] if hasattr(request, "param") else []
    path = compiled(tmp_path / "scripted.so", HERE / "scripted.c", *flags)
    results, pipe = os.pipe()
    monkeypatch.setenv("SCRIPTED_FD", str(results))
    yield Scripted(path, pipe)
    os.close(pipe)  # an initialisation that is still waiting fails; its end of the pipe stays open for it


@pytest.fixture
def creation(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Makes the filter's create wait for a byte written here: 0 for a session, 1 for none."""
    results, pipe = os.pipe()
    monkeypatch.setenv("SCRIPTED_CREATE_FD", str(results))
    yield pipe
    os.close(pipe)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A filter that is initialised at once."""
    return compiled(tmp_path / "plain.so", HERE / "scripted.c")
