"""Facts about the embedded trunk as SIPp, which is not ours, sees it."""

import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

from tests.lab.conftest import Trunk
from tests.lab.room_side import RoomSide

SCENARIOS = Path(__file__).parent / "sipp"

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("sipp") is None, reason="SIPp is not installed"),
]


def _sipp(trunk: Trunk, scenario: str, number: str, logs: Path, *more: str) -> None:
    """Run a scenario; SIPp ends with 0 only if every call took the course it describes."""
    errors = logs / "errors.log"
    command = [
        *("sipp", f"127.0.0.1:{trunk.port}", "-i", "127.0.0.1", "-s", number, "-m", "1"),
        *("-sf", str(SCENARIOS / f"{scenario}.xml"), "-nostdin", "-timeout", "20s", "-timeout_error"),
        *("-trace_err", "-error_file", str(errors), *more),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=logs, check=False)
    said = errors.read_text() if errors.exists() else done.stdout[-2000:]
    assert done.returncode == 0, said


def _manned_number(rooms: RoomSide, **trunk: str) -> str:
    """A number whose calls are answered at once: somebody speaks in its room already."""
    room = f"manned-{uuid.uuid4().hex[:8]}"
    number = rooms.number(room=room, trunk=trunk)
    rooms.speak_in(room)
    return number


@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_a_call_is_answered_and_hung_up(
    rooms: RoomSide, trunk: Trunk, tmp_path: Path, transport: str
) -> None:
    """Over UDP and over TCP."""
    _sipp(trunk, "answered", _manned_number(rooms), tmp_path, "-t", transport)


@pytest.mark.parametrize("transport", ["u1", "t1"])
def test_a_call_is_cancelled(rooms: RoomSide, trunk: Trunk, tmp_path: Path, transport: str) -> None:
    """200 to the CANCEL, 487 to the INVITE."""
    _sipp(trunk, "cancelled", rooms.number(), tmp_path, "-t", transport)


def test_a_call_rings_until_the_ringing_timeout(rooms: RoomSide, trunk: Trunk, tmp_path: Path) -> None:
    """486 at the end."""
    _sipp(trunk, "rejected", rooms.number(ringing_timeout_s=1), tmp_path)


def test_a_caller_that_knows_the_password_is_answered(rooms: RoomSide, trunk: Trunk, tmp_path: Path) -> None:
    """SIPp's digest is accepted, in a second INVITE that goes on under the same tag."""
    number = _manned_number(rooms, auth_username="ann", auth_password="right")  # noqa: S106 - of this test
    _sipp(trunk, "password", number, tmp_path, "-au", "ann", "-ap", "right")


def test_a_caller_that_does_not_know_the_password_is_turned_away(
    rooms: RoomSide, trunk: Trunk, tmp_path: Path
) -> None:
    """401, and no 180 before it."""
    number = rooms.number(trunk={"auth_username": "ann", "auth_password": "right"})
    _sipp(trunk, "wrong_password", number, tmp_path, "-au", "ann", "-ap", "wrong")


def test_an_offer_without_a_common_codec_is_refused(rooms: RoomSide, trunk: Trunk, tmp_path: Path) -> None:
    """400 after the 180."""
    _sipp(trunk, "refused", rooms.number(), tmp_path)


def test_options_is_answered(trunk: Trunk, tmp_path: Path) -> None:
    """200, whoever is asked for."""
    _sipp(trunk, "options", "anybody", tmp_path)
