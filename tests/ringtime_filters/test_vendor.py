"""LiveKit's own noise cancellation, in an environment of its own, is bounded by variables alone."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.ringtime_filters.libraries import FILTERS

pytestmark = [pytest.mark.slow, pytest.mark.system]

ROOT = FILTERS.parent
# What the FFI does to a registered filter when a room is joined, without the room.
AGENT = """
import ctypes, os, sys, time
from livekit.plugins import noise_cancellation
descriptors = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
in_memory = [path for path in descriptors if "memfd:ringtime-" in os.path.realpath(path)]
filter_ = ctypes.CDLL(os.environ.get("LK_NC_PLUGIN_PATH") or in_memory[0])
options = b'{"url": "ws://127.0.0.1:%s", "token": "a-secret-token"}' % sys.argv[1].encode()
began_s = time.monotonic()
result = filter_.audio_filter_on_load(options)
print(result, time.monotonic() - began_s)
sys.stdout.flush()
os._exit(0)
"""


def environment(folder: Path, plugin: str) -> Path:
    """An agent's environment with one version of the plugin, and its Python."""
    script = (
        '. scripts/uv.sh; "$UV" venv -q --no-python-downloads --python "$1" "$2"; '
        '"$UV" pip install -q --python "$2/bin/python" ./ringtime_filters livekit '
        '"livekit-plugins-noise-cancellation==$3"'
    )
    interpreter = Path(os.environ.get("RINGTIME_PYTHON", ROOT / ".venv" / "bin" / "python"))
    command = ["bash", "-euc", script, "bash", interpreter, folder, plugin]
    subprocess.run(command, cwd=ROOT, check=True)
    return folder / "bin" / "python"


def initialise(python: Path, **variables: str) -> tuple[int, float, str]:
    """Its result, its time and the log, where the server accepts and stays silent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        run = subprocess.run(
            [python, "-c", AGENT, port],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert run.returncode == 0, run.stderr
    result, took_s = run.stdout.split()
    return int(result), float(took_s), run.stderr


def test_the_plugin_that_blocks_is_bounded_by_a_variable(tmp_path: Path) -> None:
    """0.2.6 waits for a silent server for ever; behind the wrapper, so long as it is told."""
    python = environment(tmp_path / "environment", "0.2.6")

    result, took_s, log = initialise(python, RINGTIME_FILTER_DEADLINE_S="1")

    assert result != 0
    assert 1 <= took_s < 10
    assert "liblivekit_nc_plugin.so: initialisation not finished after 1.0" in log
    assert "secret" not in log


def test_the_plugin_that_takes_a_path_takes_the_wrapper_s(tmp_path: Path) -> None:
    """0.3.2 does not block; it registers whatever library it is named."""
    python = environment(tmp_path / "environment", "0.3.2")
    vendor = next(tmp_path.glob("environment/lib/python*/site-packages/livekit/plugins/**/*.so"))
    named = subprocess.run(
        [python, "-m", "ringtime_filters", vendor], capture_output=True, text=True, check=True
    )

    result, _, log = initialise(
        python,
        RINGTIME_FILTER=str(vendor),
        RINGTIME_FILTER_DEADLINE_S="20",
        LK_NC_PLUGIN_PATH=named.stdout.strip(),
    )

    assert result == 0
    assert "liblivekit_nc_plugin.so: initialised in" in log
    assert "left out" not in log
