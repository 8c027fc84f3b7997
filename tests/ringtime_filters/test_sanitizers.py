"""No sanitizer finds fault with the wrapper, whatever the FFI's threads do to it at once."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ringtime_filters.compile import SOURCES
from tests.ringtime_filters.libraries import AMPLE_S, FILTERS, HERE

SCENARIOS = [
    "many_rooms_at_once",
    "late_finish",
    "ready_while_audio_passes",
    "failure_then_another_room_s_success",
    "gone_while_its_session_is_made",
]
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]


@pytest.fixture(scope="module", params=["thread", "address,undefined", "valgrind"])
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str | Path]:
    """The command that runs a scenario under a sanitizer."""
    folder = tmp_path_factory.mktemp("watched")
    sanitizer = str(request.param)
    flags = ["-std=gnu11", "-g", "-O1", "-pthread", "-DWITH_V2", *WARNINGS]
    under: list[str | Path] = []
    if sanitizer == "valgrind":
        if not shutil.which("valgrind"):
            pytest.fail("valgrind is not installed: run `make valgrind`")
        under = [
            "valgrind",
            "-q",
            "--error-exitcode=9",
            "--leak-check=full",
            "--errors-for-leak-kinds=definite",
        ]
    else:
        flags += [f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all"]
        # Where addresses are spread too wide for it, as on Ubuntu 24.04, the sanitizer does not start.
        narrow: list[str | Path] = ["setarch", "-R"]
        under = narrow if subprocess.run([*narrow, "true"], capture_output=True).returncode == 0 else []
    sources = [HERE / "driver.c", *(FILTERS / name for name in SOURCES)]
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, *flags, "-o", folder / "driver", *sources], check=True)
    subprocess.run(
        [compiler, *flags, "-shared", "-fPIC", "-o", folder / "scripted.so", HERE / "scripted.c"], check=True
    )
    return [*under, folder / "driver", folder / "scripted.so"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_runs_clean(watched: list[str | Path], scenario: str) -> None:
    """No data race, no misuse of memory, no leak; and what the scenario requires is so."""
    run = subprocess.run([*watched, scenario], capture_output=True, text=True, timeout=AMPLE_S)

    assert run.returncode == 0, run.stderr


def test_the_driver_s_scenarios_are_all_run() -> None:
    """One that is added to the driver is added here."""
    named = (HERE / "driver.c").read_text().partition("scenarios[] = {")[2].partition("};")[0]

    assert [line.split('"')[1] for line in named.splitlines() if '"' in line] == SCENARIOS
