"""An arm's settings tell each filter where to ask, and exchange the faults that set-ups meet."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema

from lab.control import answering, ask
from lab.fault_log import FaultLog
from lab.settings import Settings, control_socket
from lab.sites import Site
from tests.lab.filter_client import ENABLED, UNREACHABLE, initialise
from tests.locust_command import lines, schema


def written(folder: Path) -> list[dict[str, object]]:
    """The lines of the faults file, each valid under the schema."""
    found = lines(folder / "faults.jsonl")
    for line in found:
        jsonschema.validate(line, schema("faults"))
    return found


@contextlib.asynccontextmanager
async def running_settings(folder: Path, *, http_only: bool = False) -> AsyncIterator[tuple[Path, int]]:
    """An arm's settings before a server that is not there: where they take questions, and the port."""
    log = FaultLog(folder)
    settings = Settings(("127.0.0.1", 1), arm="old", seed=1, log=log, http_only=http_only)
    socket = control_socket(folder, "old")
    async with answering(socket, settings.answer):
        try:
            yield socket, await settings.proxy.listen(Site())
        finally:
            await settings.proxy.stop()
            await settings.endpoints.close()
            log.close()


async def environment(socket: Path, room: str) -> Mapping[str, Any]:
    """What a room's filter is told by way of its environment."""
    told: Mapping[str, Any] = (await ask(socket, {"set_up": room}))["environment"]
    return told


def test_a_filter_that_asks_where_to_ask_meets_the_share_that_is_due(tmp_path: Path) -> None:
    """Half of the set-ups are told of a closed port, the other half ask at the proxy and have no settings."""

    async def exchange() -> list[tuple[bool, int]]:
        async with running_settings(tmp_path) as (socket, port):
            await ask(socket, {"filter_fault": "refused:0.5+http-404:0.5"})
            outcomes = []
            for room in "abcd":
                told = await environment(socket, room)
                initialised = await initialise(port, room=room, environment=told)
                outcomes.append((bool(told), initialised.result))
            return outcomes

    assert sorted(asyncio.run(exchange())) == [(False, ENABLED)] * 2 + [(True, UNREACHABLE)] * 2
    assert {str(line["room"]) for line in written(tmp_path)} == set("abcd")


def test_faults_are_exchanged_from_the_next_set_up_on_and_that_is_written_down(tmp_path: Path) -> None:
    """None at first, then those asked for, then none again."""

    async def exchange() -> list[int]:
        async with running_settings(tmp_path) as (socket, port):
            results = []
            for spec in ("http-404", "http-503", "none"):
                assert await ask(socket, {"filter_fault": spec}) == {"filter_fault": spec}
                results.append((await initialise(port)).result)
            return results

    ok, refused, unreachable = asyncio.run(exchange())

    assert (ok, unreachable) == (ENABLED, UNREACHABLE)
    assert refused not in (ENABLED, UNREACHABLE)
    switches = lines(tmp_path / "fault-switches.jsonl")
    for line in switches:
        jsonschema.validate(line, schema("fault-switches"))
    assert [(line["arm"], line["filter_fault"]) for line in switches] == [
        ("old", "http-404"), ("old", "http-503"), ("old", "none"),
    ]  # fmt: skip
    assert [line["kind"] for line in written(tmp_path)] == ["http-404", "http-503"]


def test_faults_that_cannot_be_leave_those_in_force(tmp_path: Path) -> None:
    """The answer is the reason, and nothing is written down."""

    async def exchange() -> list[Mapping[str, Any]]:
        async with running_settings(tmp_path, http_only=True) as (socket, _):
            return [
                await ask(socket, {"filter_fault": spec}) for spec in ("loud", "silent:0.2+blackhole:0.1")
            ]

    unknown, below_http = asyncio.run(exchange())

    assert "no fault is named 'loud'" in unknown["error"]
    assert "blackhole needs an endpoint of the filter's own" in below_http["error"]
    assert lines(tmp_path / "fault-switches.jsonl") == []
