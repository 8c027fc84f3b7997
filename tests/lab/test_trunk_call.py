"""Facts about a call into the embedded trunk, as a caller sees them; each was measured on livekit-sip."""

import struct
import uuid
from collections.abc import Callable

import pytest

from tests.lab.callers import Caller
from tests.lab.room_side import RoomSide

pytestmark = pytest.mark.system

Call = Callable[..., Caller]


def _ringing(rooms: RoomSide, call: Call, **number: object) -> Caller:
    """A call that rings in a room where nobody speaks yet."""
    caller = call(rooms.number(**number))  # type: ignore[arg-type]
    caller.invite()
    caller.until(180)
    return caller


def _talking(rooms: RoomSide, call: Call) -> tuple[Caller, str]:
    """An answered call, and its room."""
    caller = _ringing(rooms, call)
    room = rooms.room_of(caller.number)
    rooms.speak_in(room)
    caller.answered()
    return caller, room


def test_a_call_hears_100_then_180_from_the_same_party(rooms: RoomSide, call: Call) -> None:
    """Both carry the To tag that is also LiveKit's id of the call, and the headers in livekit-sip's order."""
    caller = call(rooms.number())
    caller.invite()

    trying, ringing = caller.receive(), caller.receive()

    assert trying.start == "SIP/2.0 100 Processing"
    assert ringing.start == "SIP/2.0 180 Ringing"
    assert trying.names == ["Via", "From", "To", "Call-ID", "CSeq", "Content-Length", "Allow"]
    assert ringing.names == trying.names
    assert ringing["To"] == trying["To"]
    assert len(caller.to_tag) == len("SCL_") + 12


def test_the_180_is_repeated_every_second(rooms: RoomSide, call: Call) -> None:
    """The clock of the 180s starts with the first and does not drift."""
    caller = _ringing(rooms, call)
    first = caller.receive()
    second = caller.receive()

    assert (first.status, second.status) == (180, 180)
    assert second.at_s - first.at_s == pytest.approx(1.0, abs=0.2)


def test_a_call_is_answered_when_somebody_speaks_in_its_room(rooms: RoomSide, call: Call) -> None:
    """The 200 has the one codec the trunk prefers, an even port and no more headers than livekit-sip's."""
    caller = _ringing(rooms, call)
    rooms.speak_in(rooms.room_of(caller.number))

    ok = caller.answered()

    assert ok.names == ["Via", "From", "To", "Call-ID", "CSeq", "Content-Length", "Contact", "Content-Type"]
    port = caller.media[1]
    assert port % 2 == 0
    assert ok.body.split("\r\n") == [
        "v=0",
        "o=- 7700 7702 IN IP4 127.0.0.1",
        "s=LiveKit",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0",
        "a=rtpmap:0 PCMU/8000",
        "a=ptime:20",
        "a=sendrecv",
        "",
    ]


def test_the_room_sees_the_caller_as_livekit_sip_shows_one(rooms: RoomSide, call: Call) -> None:
    """Kind, identity, name, metadata and attributes are those a release test looks for."""
    caller = call(rooms.number(trunk={"headers_to_attributes": {"X-Other": "my.other"}}), "alice")
    caller.invite("X-Lk-Test-Id: probe-7", "X-Other: there")
    caller.until(180)

    room = rooms.room_of(caller.number)
    seen = rooms.sip_participant(room)

    assert seen is not None
    assert (seen.identity, seen.name, seen.metadata) == ("sip_alice", "Phone alice", "from the rule")
    about = dict(seen.attributes)
    assert about.pop("sip.trunkID").startswith("ST_")
    assert about.pop("sip.ruleID").startswith("SDR_")
    assert about == {
        "sip.callID": caller.to_tag,
        "sip.callIDFull": caller.call_id,
        "sip.callTag": caller.tag,
        "sip.callStatus": "ringing",
        "sip.phoneNumber": "alice",
        "sip.trunkPhoneNumber": caller.number,
        "sip.hostname": "caller.example",
        "lktest.id": "probe-7",
        "my.other": "there",
        "rule": "yes",
    }
    prefix, user, suffix = room.split("_")
    assert (prefix, user, len(suffix)) == (f"room{caller.number[1:]}", "alice", 12)


def test_what_the_room_says_reaches_the_caller(rooms: RoomSide, call: Call) -> None:
    """RTP starts at sequence and timestamp 0 with no marker, 160 bytes a packet, and soon holds the tone."""
    caller, _ = _talking(rooms, call)

    packets = [caller.hear() for _ in range(100)]

    flags, kind, sequence, timestamp, source = struct.unpack("!BBHII", packets[0][:12])
    assert (flags, kind, sequence, timestamp) == (0x80, 0, 0, 0)
    for index, packet in enumerate(packets):
        assert struct.unpack("!BBHII", packet[:12]) == (0x80, 0, index, 160 * index, source)
        assert len(packet) == 172
    # 8000 in G.711 u-law is 0x9E or 0x1E by its sign, give or take the codec in between.
    assert any(min(byte & 0x7F for byte in packet[12:]) < 0x28 for packet in packets)


def test_what_the_caller_says_reaches_the_room(rooms: RoomSide, call: Call) -> None:
    """A loud caller is loud in the room, and the call turns active with its first RTP."""
    caller, room = _talking(rooms, call)
    loud = bytes([0x90, 0x10] * 80)
    for sequence in range(30):
        caller.rtp.sendto(struct.pack("!BBHII", 0x80, 0, sequence, 160 * sequence, 7) + loud, caller.media)
        caller.hear()  # paces the sending: a packet comes every 20 ms

    assert rooms.loudest(room, packets=10) > 1000
    seen = rooms.sip_participant(room)
    assert seen is not None
    assert seen.attributes["sip.callStatus"] == "active"


def test_a_bye_ends_the_call_and_a_second_one_finds_none(rooms: RoomSide, call: Call) -> None:
    """200 at once, the caller leaves the room, and the same BYE again is 481."""
    caller, room = _talking(rooms, call)

    assert caller.hang_up().start == "SIP/2.0 200 OK"
    caller.send(caller.request("BYE", cseq=3))
    assert caller.receive().start == "SIP/2.0 481 Call does not exist"
    rooms.wait_until_left(room)


def test_a_call_taken_back_while_it_rings_gets_200_and_487(rooms: RoomSide, call: Call) -> None:
    """The CANCEL is answered by another tag than the call, and a second CANCEL not at all."""
    caller = _ringing(rooms, call)
    caller.send(caller.request("CANCEL"))

    taken, ended = caller.receive(), caller.receive()

    assert (taken.start, taken["CSeq"]) == ("SIP/2.0 200 OK", "1 CANCEL")
    assert caller.to_tag not in taken["To"]
    assert (ended.start, ended["CSeq"]) == ("SIP/2.0 487 Request Terminated", "1 INVITE")
    assert caller.to_tag in ended["To"]
    caller.send(caller.request("CANCEL"))
    assert caller.is_left_alone_for(1.2)  # nor is there another 180


def test_a_cancel_of_no_call_is_not_answered(rooms: RoomSide, call: Call) -> None:
    """An unknown branch leaves the call ringing."""
    caller = _ringing(rooms, call)
    caller.send(caller.request("CANCEL", branch="z9hG4bKnone"))

    assert caller.receive().status == 180


def test_a_bye_while_ringing_ends_the_call_with_no_answer_to_the_invite(rooms: RoomSide, call: Call) -> None:
    """As livekit-sip does: 200 to the BYE, then silence."""
    caller = _ringing(rooms, call)

    assert caller.hang_up()["CSeq"] == "2 BYE"
    assert caller.is_left_alone_for(1.2)


def test_a_call_nobody_takes_is_rejected_after_the_ringing_timeout(rooms: RoomSide, call: Call) -> None:
    """486 Rejected, the time counting from the moment the room was joined."""
    caller = call(rooms.number(ringing_timeout_s=2))
    sent_s = caller.invite()

    rejected = caller.until(486)

    assert rejected.start == "SIP/2.0 486 Rejected"
    assert rejected.names == ["Via", "From", "To", "Call-ID", "CSeq", "Content-Length"]
    assert 2.0 < rejected.at_s - sent_s < 4.0


@pytest.mark.parametrize("missing", ["trunk", "rule"])
def test_a_number_without_trunk_or_rule_rings_once_and_falls_silent(
    rooms: RoomSide, call: Call, missing: str
) -> None:
    """100, one 180, no final response."""
    caller = call("+15559990000" if missing == "trunk" else rooms.number(rule=False))
    caller.invite()

    assert [caller.receive().status, caller.receive().status] == [100, 180]
    assert caller.is_left_alone_for(1.3)


def test_a_room_that_is_deleted_ends_the_talk_with_a_bye(rooms: RoomSide, call: Call) -> None:
    """The BYE goes to the caller's Contact, in the dialog of the call, and is repeated until answered."""
    caller, room = _talking(rooms, call)

    rooms.delete(room)
    bye, again = caller.receive(), caller.receive()

    assert bye.start.startswith(f"BYE sip:{caller.user}@127.0.0.1:")
    assert bye.names == ["Via", "Max-Forwards", "Call-ID", "Content-Length", "CSeq", "From", "To"]
    assert (bye["CSeq"], bye["From"].endswith(caller.to_tag), bye["To"].endswith(caller.tag)) == (
        "2 BYE",
        True,
        True,
    )
    assert again["Via"] == bye["Via"]
    assert again.at_s - bye.at_s == pytest.approx(0.5, abs=0.3)
    told = "".join(f"{name}: {bye[name]}\r\n" for name in ("Via", "From", "To", "Call-ID", "CSeq"))
    caller.send(f"SIP/2.0 200 OK\r\n{told}Content-Length: 0\r\n\r\n".encode())
    assert caller.is_left_alone_for(1.2)


def test_a_room_that_is_deleted_while_ringing_rejects_the_call(rooms: RoomSide, call: Call) -> None:
    """486 Rejected, as after the ringing timeout."""
    caller = _ringing(rooms, call)
    room = rooms.room_of(caller.number)
    rooms.delete(room)

    assert caller.until(486).start == "SIP/2.0 486 Rejected"


def test_an_unacknowledged_200_is_sent_three_times(rooms: RoomSide, call: Call) -> None:
    """Again after 250 ms and after 750 ms, then no more; RTP starts 1.8 s after the first all the same."""
    caller = _ringing(rooms, call)
    rooms.speak_in(rooms.room_of(caller.number))

    first, second, third = (caller.until(200) for _ in range(3))

    assert second.at_s - first.at_s == pytest.approx(0.25, abs=0.15)
    assert third.at_s - first.at_s == pytest.approx(0.75, abs=0.2)
    assert caller.is_left_alone_for(0.8)
    caller.hear(timeout_s=2.0)


def test_a_reinvite_moves_the_rtp_and_changes_nothing_else(rooms: RoomSide, call: Call) -> None:
    """200 with the first answer's SDP and no 100 before it; RTP goes to the new port."""
    caller = _ringing(rooms, call)
    rooms.speak_in(rooms.room_of(caller.number))
    first = caller.answered()
    other = call(caller.number)

    caller.invite(offer=other.offer("18"), cseq=2)
    again = caller.receive()
    caller.send(caller.request("ACK", cseq=2))

    assert (again.start, again.body) == ("SIP/2.0 200 OK", first.body)
    assert again.names[-4:] == ["Content-Length", "Content-Type", "Allow", "Contact"]
    assert len(other.hear()) == 172


def test_a_retransmitted_invite_is_no_second_call(rooms: RoomSide, call: Call) -> None:
    """While ringing it gets the last 180 again, after the answer nothing."""
    caller = call(rooms.number())
    invite = caller.request("INVITE", "Content-Type: application/sdp", body=caller.offer())
    caller.send(invite)
    tag = caller.until(180)["To"]

    caller.send(invite)
    assert caller.receive()["To"] == tag
    rooms.speak_in(rooms.room_of(caller.number))
    caller.answered()
    caller.send(invite)
    assert caller.is_left_alone_for(0.5)


def test_two_calls_of_one_user_to_a_direct_rule_put_the_first_out(rooms: RoomSide, call: Call) -> None:
    """They have one identity in one room: the second is answered, the first gets a BYE."""
    room = f"direct-{uuid.uuid4().hex[:8]}"
    number = rooms.number(room=room)
    rooms.speak_in(room)
    first, second = call(number, "bob"), call(number, "bob")
    first.invite()
    first.answered()

    second.invite()
    second.answered()

    assert first.asked().start.startswith("BYE ")
