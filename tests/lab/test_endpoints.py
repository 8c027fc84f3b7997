"""What the reference filter meets at an endpoint that fails below HTTP, and what is written of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import jsonschema
import psutil
import pytest

from lab.endpoints import Endpoints
from lab.fault_log import FaultLog, Holding
from lab.faults import Fault, FaultKind
from tests.lab.filter_client import UNREACHABLE, initialise, initialising
from tests.locust_command import lines, schema

NOWHERE = 1  # the port of the agent's server, which must not be asked
SCALED = {"RINGTIME_SETTINGS_SYN_RETRIES": "1", "RES_OPTIONS": "timeout:1 attempts:2"}


@contextlib.asynccontextmanager
async def endpoints(folder: Path) -> AsyncIterator[Endpoints]:
    """Endpoints of the arm `bounded` whose set-ups are written into `folder`."""
    log = FaultLog(folder)
    opened = Endpoints(lambda room, fault: Holding(log, arm="bounded", room=room, kind=str(fault)))
    try:
        yield opened
    finally:
        await opened.close()
        log.close()


def written(folder: Path) -> dict[str, tuple[str, float]]:
    """Kind and hold of each set-up by room; every line valid."""
    found = lines(folder / "faults.jsonl")
    for line in found:
        jsonschema.validate(line, schema("faults"))
    return {line["room"]: (line["kind"], line["held_s"]) for line in found}


@pytest.mark.parametrize(
    ("kind", "after_s"),
    [
        (FaultKind.REFUSED, 0.0),
        (FaultKind.TLS_ALERT, 0.0),
        (FaultKind.BLACKHOLE, 3.0),  # Linux's give-up with one retry
        (FaultKind.DNS_SILENT, 2.0),  # two attempts of a second
    ],
)
def test_a_filter_gives_up_when_its_system_does(tmp_path: Path, kind: FaultKind, after_s: float) -> None:
    """No request of its own is ever answered, and what is written is how long it hung."""

    async def exchange() -> tuple[int, float]:
        async with endpoints(tmp_path) as opened:
            environment = await opened.open(Fault(kind), "room-7")
            initialised = await initialise(NOWHERE, environment={**SCALED, **environment})
            while not written(tmp_path):  # noqa: ASYNC110 - a file wakes nobody
                await asyncio.sleep(0.02)
            return initialised.result, initialised.took_s

    result, took_s = asyncio.run(exchange())

    assert result == UNREACHABLE
    assert after_s - 0.05 <= took_s < after_s + 2
    name, held_s = written(tmp_path)["room-7"]
    assert name == kind
    assert held_s == pytest.approx(took_s, abs=0.8)


@pytest.mark.parametrize("kind", [FaultKind.TLS_SLOW, FaultKind.BLACKHOLE, FaultKind.DNS_SILENT])
def test_a_set_up_that_is_held_when_the_endpoints_close_is_written_down(
    tmp_path: Path, kind: FaultKind
) -> None:
    """The end of the run loses no fault, and the filter is still waiting."""

    async def exchange() -> None:
        async with endpoints(tmp_path) as opened:
            environment = await opened.open(Fault(kind), "room-7")
            async with initialising(NOWHERE, environment=environment) as process:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(process.wait(), 0.8)
                await opened.close()

    asyncio.run(exchange())

    name, held_s = written(tmp_path)["room-7"]
    assert name == kind
    assert 0.2 < held_s < 3


def test_an_endpoint_to_which_nobody_comes_is_closed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call can be gone before its set-up; a run of any length keeps as many sockets as there are calls."""
    monkeypatch.setattr("lab.endpoints._COMES_WITHIN_S", 0.05)

    async def exchange() -> int:
        async with endpoints(tmp_path) as opened:
            before = psutil.Process().num_fds()
            for kind in (FaultKind.BLACKHOLE, FaultKind.TLS_SLOW, FaultKind.DNS_SILENT):
                await opened.open(Fault(kind), "room-7")
            while opened._tasks:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.02)
            return psutil.Process().num_fds() - before

    assert asyncio.run(exchange()) <= 0
    assert written(tmp_path) == {}


def test_each_set_up_has_an_endpoint_of_its_own(tmp_path: Path) -> None:
    """Two filters that hang at the same time are told apart, and one that never comes is not written down."""

    async def exchange() -> None:
        async with endpoints(tmp_path) as opened:
            first, second, _ = [await opened.open(Fault(FaultKind.BLACKHOLE), room) for room in "abc"]
            assert first != second
            async with initialising(NOWHERE, environment=first) as held:
                await initialise(NOWHERE, environment={**SCALED, **second})
                assert held.returncode is None

    asyncio.run(exchange())

    found = written(tmp_path)
    assert set(found) == {"a", "b"}
    assert found["b"][1] == pytest.approx(3.0, abs=1.5)
    assert found["a"][1] > 2.5
