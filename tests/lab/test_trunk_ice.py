"""Facts about how the media path is found."""

import asyncio
import socket

import pytest
from aioice import stun

from lab.trunk.webrtc.ice import CHECK_REPEATS_S, IcePath

USER, PASSWORD = "theirs", "their-password"


def _server() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.setblocking(False)
    return made


async def _next(server: socket.socket) -> tuple[stun.Message, tuple[str, int]]:
    data, address = await asyncio.wait_for(asyncio.get_running_loop().sock_recvfrom(server, 2048), 5)
    return stun.parse_message(data), address


def _answer(check: stun.Message, address: tuple[str, int], *, key: str = PASSWORD) -> bytes:
    answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, check.transaction_id)
    answer.attributes["XOR-MAPPED-ADDRESS"] = address
    answer.add_message_integrity(key.encode())
    return bytes(answer)


async def _path(server: socket.socket, heard: list[bytes]) -> IcePath:
    path = IcePath(heard.append)
    path.open()
    path.trust(USER, PASSWORD)
    path.try_candidate(*server.getsockname())
    return path


def test_a_check_that_is_answered_finds_the_path() -> None:
    """It names both ends, claims control and nominates at once (RFC 8445 7.1); media goes there."""

    async def scenario() -> tuple[stun.Message, str, bytes]:
        with _server() as server:
            path = await _path(server, [])
            check, address = await _next(server)
            server.sendto(_answer(check, address), address)
            await asyncio.wait_for(path.found, 5)
            path.send(b"\x80media")
            data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(server, 2048), 5)
            path.close()
            return check, path.user, data

    check, user, data = asyncio.run(scenario())

    assert check.attributes["USERNAME"] == f"{USER}:{user}"
    assert {"USE-CANDIDATE", "ICE-CONTROLLING", "PRIORITY"} <= check.attributes.keys()
    assert check.check_message_integrity(PASSWORD.encode())
    assert data == b"\x80media"


def test_an_answer_by_somebody_else_finds_nothing() -> None:
    """The check is sent again instead."""

    async def scenario() -> bool:
        with _server() as server:
            path = await _path(server, [])
            check, address = await _next(server)
            server.sendto(_answer(check, address, key="somebody else"), address)
            await _next(server)
            found = path.found.done()
            path.close()
            return found

    assert not asyncio.run(scenario())


def test_a_check_of_the_server_is_answered() -> None:
    """As one is by a server that does not confine itself to ICE lite."""

    async def scenario() -> tuple[stun.Message, str]:
        with _server() as server:
            path = await _path(server, [])
            _, address = await _next(server)
            check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            check.attributes["USERNAME"] = f"{path.user}:{USER}"
            check.add_message_integrity(path.password.encode())
            server.sendto(bytes(check), address)
            while True:
                message, _ = await _next(server)
                if message.message_class is stun.Class.RESPONSE:
                    path.close()
                    return message, path.password

    answer, password = asyncio.run(scenario())

    assert answer.check_message_integrity(password.encode())


def test_a_settled_path_takes_what_has_arrived_when_it_beats() -> None:
    """And not before."""

    async def scenario() -> tuple[list[bytes], list[bytes]]:
        with _server() as server:
            heard: list[bytes] = []
            path = await _path(server, heard)
            check, address = await _next(server)
            server.sendto(_answer(check, address), address)
            await asyncio.wait_for(path.found, 5)
            path.settle()
            server.sendto(b"\x80one", address)
            server.sendto(b"\x80two", address)
            await asyncio.sleep(0)
            before = list(heard)
            path.beat()
            path.close()
            return before, heard

    assert asyncio.run(scenario()) == ([], [b"\x80one", b"\x80two"])


def test_checks_go_on_for_some_seconds() -> None:
    """A server that is slow is not given up, one that is not there is."""
    assert sum(CHECK_REPEATS_S) == pytest.approx(6.35)
