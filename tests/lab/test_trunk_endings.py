"""Facts about how calls into the embedded trunk end, and what becomes of them in their room."""

import struct
import uuid
from collections.abc import Callable

import pytest
from livekit import api

from lab.trunk.talk import BYE_REPEATS_S
from tests.lab.callers import Caller, TcpCaller
from tests.lab.room_side import RoomSide

pytestmark = pytest.mark.system

Call = Callable[..., Caller]

LOUD = bytes([0x90, 0x10] * 80)
"""20 ms of a square wave in PCMU."""


def _ringing(rooms: RoomSide, call: Call, **by: type[Caller]) -> tuple[Caller, str]:
    caller = call(rooms.number(), **by)
    caller.invite()
    caller.until(180)
    return caller, rooms.room_of(caller.number)


def _talking(rooms: RoomSide, call: Call, **by: type[Caller]) -> tuple[Caller, str]:
    caller, room = _ringing(rooms, call, **by)
    rooms.speak_in(room)
    caller.answered()
    return caller, room


def _is_silent(packet: bytes) -> bool:
    return set(packet[12:]) <= {0xFF, 0x7F, 0x7E, 0xFE}


def test_a_cancel_right_after_the_invite_waits_for_the_180(rooms: RoomSide, call: Call) -> None:
    """100, 180, the 200 of the CANCEL, 487: the last once the room is joined."""
    caller = call(rooms.number())
    caller.invite()
    caller.send(caller.request("CANCEL"))

    heard = [caller.receive() for _ in range(4)]

    assert [message.status for message in heard] == [100, 180, 200, 487]
    assert [message["CSeq"] for message in heard[2:]] == ["1 CANCEL", "1 INVITE"]


def test_a_cancel_after_the_200_is_not_answered(manned: str, call: Call) -> None:
    """And the call goes on."""
    caller = call(manned)
    caller.invite()
    caller.answered()
    caller.send(caller.request("CANCEL"))

    assert caller.hang_up()["CSeq"] == "2 BYE"


def test_a_rejected_invite_that_is_sent_again_is_a_new_call(rooms: RoomSide, call: Call) -> None:
    """100, 180 and so on under another To tag; the 486 itself is not repeated."""
    caller = call(rooms.number(ringing_timeout_s=1))
    invite = caller.request("INVITE", "Content-Type: application/sdp", body=caller.offer())
    caller.send(invite)
    first = caller.until(486)["To"]
    caller.send(invite)

    assert caller.receive()["To"] != first
    assert caller.receive().status == 180


@pytest.mark.parametrize("answered", [True, False], ids=["in the talk", "while ringing"])
def test_a_caller_who_is_put_out_of_the_room_is_hung_up_on(
    rooms: RoomSide, call: Call, answered: bool
) -> None:
    """With a BYE, or with 486 Rejected before the answer."""
    caller, room = (_talking if answered else _ringing)(rooms, call)

    rooms.remove(room, f"sip_{caller.user}")

    if answered:
        assert caller.asked().start.startswith("BYE ")
    else:
        assert caller.until(486).start == "SIP/2.0 486 Rejected"


def test_an_agent_that_leaves_ends_nothing(rooms: RoomSide, call: Call) -> None:
    """RTP goes on as silence, and there is no BYE."""
    caller, room = _talking(rooms, call)
    caller.hear()

    rooms.fall_silent_in(room)

    packets = [caller.hear() for _ in range(60)]
    assert all(_is_silent(packet) for packet in packets[-20:])
    numbers = [struct.unpack("!H", packet[2:4])[0] for packet in packets]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert caller.hang_up().start == "SIP/2.0 200 OK"


def test_an_agent_that_publishes_again_is_heard_again(rooms: RoomSide, call: Call) -> None:
    """So is a second one."""
    caller, room = _talking(rooms, call)
    rooms.fall_silent_in(room)
    rooms.speak_in(room)
    rooms.speak_in(room)

    assert any(not _is_silent(caller.hear()) for _ in range(200))


def test_a_bye_is_sent_eleven_times() -> None:
    """At 0.5, 1.5, 3.5 and 7.5 s after the first, then every 4 s up to 31.5 s (RFC 3261 17.1.2.2)."""
    sent_s = [sum(BYE_REPEATS_S[:count]) for count in range(len(BYE_REPEATS_S) + 1)]

    assert sent_s == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


def test_a_bye_follows_the_route_of_the_invite(rooms: RoomSide, call: Call) -> None:
    """To the proxy that recorded it, with the Contact in the request line."""
    caller, proxy = call(rooms.number()), call("proxy")
    proxy_port = proxy.sip.getsockname()[1]
    caller.invite(f"Record-Route: <sip:127.0.0.1:{proxy_port};lr>")
    assert caller.receive()["Record-Route"] == f"<sip:127.0.0.1:{proxy_port};lr>"
    room = rooms.room_of(caller.number)
    rooms.speak_in(room)
    caller.answered()

    rooms.delete(room)

    bye = proxy.receive()
    assert bye.start.startswith(f"BYE sip:{caller.user}@127.0.0.1:")
    assert bye["Route"] == f"<sip:127.0.0.1:{proxy_port};lr>"


def test_a_bye_goes_to_the_contact(rooms: RoomSide, call: Call) -> None:
    """Not to where the INVITE came from."""
    caller, desk = call(rooms.number()), call("desk")
    mine, theirs = (f":{one.sip.getsockname()[1]}>" for one in (caller, desk))
    invite = caller.request("INVITE", "Content-Type: application/sdp", body=caller.offer()).decode()
    caller.send(invite.replace(mine, theirs).encode())
    room = rooms.room_of(caller.number)
    rooms.speak_in(room)
    caller.answered()

    rooms.delete(room)

    assert desk.receive().start.startswith(f"BYE sip:{caller.user}@127.0.0.1{theirs[:-1]}")


def test_rtp_stays_at_the_address_of_the_sdp(manned: str, call: Call) -> None:
    """RTP from elsewhere is taken, and nothing is sent there."""
    caller, other = call(manned), call("elsewhere")
    caller.invite()
    caller.answered()
    for sequence in range(5):
        caller.hear()
        other.rtp.sendto(struct.pack("!BBHII", 0x80, 0, sequence, 0, 7) + LOUD, caller.media)

    assert len(caller.hear()) == 172
    with pytest.raises(AssertionError, match="no RTP"):
        other.hear(timeout_s=0.1)


def test_two_calls_of_one_user_to_an_individual_rule_are_two_rooms(rooms: RoomSide, call: Call) -> None:
    """With one identity in each; neither ends the other."""
    number = rooms.number()
    first = call(number, "carol")
    first.invite()
    first.until(180)
    room = rooms.room_of(number)
    rooms.speak_in(room)
    first.answered()
    second = call(number, "carol")
    second.invite()
    second.until(180)

    assert rooms.room_of(number, but=room) != room
    assert first.hang_up().start == "SIP/2.0 200 OK"


def test_two_users_of_a_direct_rule_share_its_room(manned: str, call: Call) -> None:
    """Both are answered, and both talks go on."""
    first, second = call(manned), call(manned)
    for one in (first, second):
        one.invite()
        one.answered()

    assert first.hang_up().start == "SIP/2.0 200 OK"
    assert second.hang_up().start == "SIP/2.0 200 OK"


@pytest.mark.parametrize("which", ["SIP_X_HEADERS", "SIP_ALL_HEADERS"])
def test_headers_become_attributes_where_the_trunk_wants_them(
    rooms: RoomSide, call: Call, which: str
) -> None:
    """`sip.h.<name>` for X- headers or for all, besides `lktest.id`, from the moment it rings."""
    wanted = api.SIPHeaderOptions.Value(which)
    caller = call(rooms.number(trunk={"include_headers": wanted}))
    caller.invite("X-Lk-Test-Id: probe-8", "Subject: weather")
    caller.until(180)

    seen = rooms.sip_participant(rooms.room_of(caller.number))

    assert seen is not None
    about = dict(seen.attributes)
    assert about["lktest.id"] == about["sip.h.x-lk-test-id"] == "probe-8"
    names = {name for name in about if name.startswith("sip.h.")}
    if which == "SIP_X_HEADERS":
        assert names == {"sip.h.x-lk-test-id"}
    else:
        assert about["sip.h.subject"] == "weather"
        assert about["sip.h.to"].endswith(caller.to_tag)
        assert names >= {f"sip.h.{name}" for name in ("via", "from", "call-id", "cseq", "contact")}


def test_headers_of_the_trunk_and_attributes_stand_in_the_200_alone(rooms: RoomSide, call: Call) -> None:
    """After Content-Type, and in no provisional response."""
    room = f"manned-{uuid.uuid4().hex[:8]}"
    rooms.speak_in(room)
    settings = {"headers": {"X-Trunk": "ours"}, "attributes_to_headers": {"sip.phoneNumber": "X-Caller"}}
    caller = call(rooms.number(room=room, trunk=settings), "dora")
    caller.invite()

    assert "X-Trunk" not in caller.until(180).names
    ok = caller.answered()
    assert ok.names[-3:] == ["Content-Type", "X-Trunk", "X-Caller"]
    assert (ok["X-Trunk"], ok["X-Caller"]) == ("ours", "dora")


def test_over_tcp_rtp_waits_for_no_ack(manned: str, call: Call) -> None:
    """There is one 200, whose Contact names TCP, and RTP starts 50 ms after it."""
    caller = call(manned, by=TcpCaller)
    caller.invite()

    ok = caller.until(200)

    assert ok["Contact"].endswith(";transport=tcp>")
    caller.hear(timeout_s=1.0)
    assert caller.is_left_alone_for(0.3)


def test_over_tcp_a_deleted_room_is_told_on_the_connection(rooms: RoomSide, call: Call) -> None:
    """By a BYE that is sent once."""
    caller, room = _talking(rooms, call, by=TcpCaller)

    rooms.delete(room)

    bye = caller.receive()
    assert bye.start.startswith("BYE ")
    assert bye["Via"].startswith("SIP/2.0/TCP ")
    assert caller.is_left_alone_for(0.7)


def test_over_tcp_a_call_outlives_its_connection(manned: str, call: Call) -> None:
    """RTP goes on."""
    caller = call(manned, by=TcpCaller)
    caller.invite()
    caller.answered()
    caller.hear()

    caller.sip.close()

    assert all(len(caller.hear()) == 172 for _ in range(30))
