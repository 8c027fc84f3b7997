"""Facts about what the embedded trunk answers at its SIP port, outside the normal course of a call."""

import socket
from collections.abc import Callable

import pytest

from tests.lab.callers import Caller, Message
from tests.lab.conftest import Trunk
from tests.lab.room_side import RoomSide

pytestmark = pytest.mark.system

Call = Callable[..., Caller]


@pytest.mark.parametrize("method", ["BYE", "NOTIFY"])
def test_a_request_inside_no_call_is_400_without_a_tag_and_481_with_one(call: Call, method: str) -> None:
    """The reason of the 400 is empty."""
    caller = call("anybody")

    caller.send(caller.request(method))
    assert caller.receive().start == "SIP/2.0 400 "
    caller.send(caller.request(method, to_tag="SCL_nobodyknows1"))
    assert caller.receive().start == "SIP/2.0 481 Call does not exist"


@pytest.mark.parametrize("header", [b"From", b"Call-ID", b"tag"])
def test_an_invite_that_names_no_call_is_a_bad_request(call: Call, header: bytes) -> None:
    """Without From, its tag, or Call-ID there is nothing to hold on to."""
    caller = call("anybody")
    invite = caller.request("INVITE")
    damaged = (
        invite.replace(b";tag=", b";gat=")
        if header == b"tag"
        else b"\r\n".join(line for line in invite.split(b"\r\n") if not line.startswith(header + b":"))
    )
    caller.send(damaged)

    refused = caller.receive()

    assert refused.start == "SIP/2.0 400 Bad request"
    assert refused.names[-1] == "Allow"


def test_a_trunk_with_a_password_asks_for_it_and_says_no_to_a_wrong_one(rooms: RoomSide, call: Call) -> None:
    """407 before any 180, with a digest challenge of livekit-sip's form; a wrong response is 401."""
    caller = call(rooms.number(trunk={"auth_username": "ann", "auth_password": "right"}))
    caller.invite()

    asked = caller.until(407)

    assert asked.start == "SIP/2.0 407 Unauthorized"
    challenge = asked["Proxy-Authenticate"]
    assert challenge.startswith('Digest realm="LiveKit", nonce="')
    assert challenge.endswith(f'-{caller.call_id}", algorithm=MD5')
    first_tag = caller.to_tag
    wrong = 'Digest username="ann", realm="LiveKit", nonce="x", uri="sip:x", response="0"'
    caller.invite(f"Proxy-Authorization: {wrong}", cseq=2, to_tag="")
    refused = caller.until(401)
    assert refused.start == "SIP/2.0 401 Unauthorized"
    assert caller.to_tag == first_tag


def test_a_call_over_tcp_keeps_to_its_connection(rooms: RoomSide, trunk: Trunk, call: Call) -> None:
    """100, 180 and the 487 come back on the connection of the INVITE, and Contact would name TCP."""
    caller = call(rooms.number())
    invite = caller.request("INVITE", "Content-Type: application/sdp", body=caller.offer("18"))
    with socket.create_connection(("127.0.0.1", trunk.port), timeout=5) as connection:
        connection.sendall(invite.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP"))
        heard = b""
        while b"SIP/2.0 400" not in heard or not heard.endswith(b"\r\n\r\n"):
            heard += connection.recv(65536)

    messages = [Message.read(part) for part in heard.split(b"\r\n\r\n") if part]
    assert [message.status for message in messages] == [100, 180, 400]
    assert messages[-1]["Contact"] == f"<sip:127.0.0.1:{trunk.port};transport=tcp>"
