"""A LiveKit server, its rooms, an embedded trunk and callers, for the tests of the trunk."""

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from lab.process import Child, announced
from lab.server import LiveKitServer, livekit_server, redis
from tests.lab.callers import Caller
from tests.lab.room_side import RoomSide
from tests.visitors import Visitors


@dataclass(frozen=True, slots=True)
class Trunk:
    """A running embedded trunk."""

    port: int
    child: Child


@pytest.fixture(scope="session")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    """A livekit-server with redis, for the whole session."""
    logs = tmp_path_factory.mktemp("livekit")
    with redis(logs) as store, livekit_server(logs, redis=store) as running:
        yield running


@pytest.fixture(scope="module")
def rooms(livekit: LiveKitServer, visitors: Visitors) -> Iterator[RoomSide]:
    """The numbers and rooms of the session's server; nobody speaks there longer than a module needs them."""
    side = RoomSide(livekit, visitors)
    yield side
    side.close()


@pytest.fixture(scope="session")
def trunk(livekit: LiveKitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trunk]:
    """An embedded trunk, for the whole session."""
    log = tmp_path_factory.mktemp("trunk") / "trunk.log"
    command = [sys.executable, "-m", "lab.trunk", "--livekit-url", livekit.url, "--sip-port", "0"]
    with Child("trunk", command, env=os.environ | livekit.environment, log=log) as child:
        yield Trunk(int(str(child.wait_ready(announced(), timeout_s=30)["sip_port"])), child)


@pytest.fixture(scope="module")
def manned(rooms: RoomSide) -> str:
    """A number whose calls are answered at once: somebody speaks in its room already."""
    room = f"manned-{uuid.uuid4().hex[:8]}"
    number = rooms.number(room=room)
    rooms.speak_in(room)
    return number


@pytest.fixture
def call(trunk: Trunk) -> Iterator[Callable[..., Caller]]:
    """Makes callers of the trunk, or of another: `call(number)`, each ready to send its INVITE."""
    made: list[Caller] = []

    def make(number: str, user: str = "", *, of: Trunk = trunk, by: type[Caller] = Caller) -> Caller:
        made.append(by(of.port, number, user))
        return made[-1]

    yield make
    for one in made:
        if one.to_tag and one.sip.fileno() >= 0:  # leave no call behind: whichever of the two fits
            one.send(one.request("CANCEL"))
            one.send(one.request("BYE", cseq=9))
        one.close()
