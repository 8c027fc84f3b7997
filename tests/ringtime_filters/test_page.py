"""docs/bounded-filter.md says what is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ringtime_filters.libraries import FILTERS

PAGE = (FILTERS.parent / "docs" / "bounded-filter.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
# A plugin as LiveKit's: to import it is to register its filter.
PLUGIN = "from livekit import rtc\n\nrtc.AudioFilter('noise-cancellation', {path!r})\n"


@pytest.mark.parametrize("example", EXAMPLES)
def test_its_code_runs_and_bounds_the_filter(example: str, plain: Path, tmp_path: Path) -> None:
    """Each example, as it stands, wraps the filter that it is about."""
    package = tmp_path / "livekit" / "plugins" / "noise_cancellation"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PLUGIN.format(path=str(plain)))
    check = 'import os\nassert "/memfd:ringtime-plain.so" in open("/proc/self/maps").read()\nos._exit(0)\n'
    program = example.replace("/opt/filters/mine.so", str(plain)) + check

    run = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": f"{FILTERS.parent}:{tmp_path}"},
        capture_output=True,
        text=True,
    )

    assert len(EXAMPLES) == 2
    assert run.returncode == 0, run.stderr


def test_its_commands_run_and_name_the_wrapper(plain: Path) -> None:
    """What is set by hand for a plugin that takes a path is what the program prints."""
    commands = next(block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "LK_NC" in block)
    commands = commands.replace("/opt/filters/mine.so", str(plain)).replace("python ", f"{sys.executable} ")

    run = subprocess.run(
        ["/bin/bash", "-euc", f'{commands}\necho "$LK_NC_PLUGIN_PATH"'],
        env={"PYTHONPATH": str(FILTERS.parent)},
        capture_output=True,
        text=True,
    )

    assert Path(run.stdout.strip()) == FILTERS / "bounded.so", run.stderr


def test_every_line_that_the_wrapper_logs_about_calls_is_explained() -> None:
    """And none is that it does not."""
    section = PAGE[PAGE.index("## What the log says") : PAGE.index("## What it costs")]
    explained = re.findall(r"^\| `(.+?)` \|", section, re.MULTILINE)
    formats = [
        message
        for source in ("initialisation.c", "session.c")
        for message in re.findall(r'say\("(.+?)"[,)]', (FILTERS / source).read_text())
    ]
    patterns = [re.sub(r"%\\.3f|%d|%u", r"[\\d.]+", re.escape(message)) for message in formats]

    assert len(formats) == 9
    for pattern in [*patterns, r"crashed in audio_filter_\w+, by SIG\w+", "left out: .+"]:
        assert sum(re.fullmatch(pattern, line) is not None for line in explained) == 1, pattern
    assert len(explained) == len(formats) + 2


def test_its_variables_are_those_that_are_read() -> None:
    """By Python at its start and by the wrapper that is loaded by its own path."""
    named = set(re.findall(r"RINGTIME_\w+", PAGE))

    assert named == set(re.findall(r"RINGTIME_\w+", (FILTERS / "filter.c").read_text()))
