"""Facts about the SIP messages the embedded trunk builds."""

from aiosipua import SipMessage, SipRequest

from lab.trunk.messages import bye, response

INVITE = (
    b"INVITE sip:1@h SIP/2.0\r\n"
    b"Record-Route: <sip:p1;lr>\r\nRecord-Route: <sip:p2;lr>\r\n"
    b"Via: SIP/2.0/UDP p1;branch=z9hG4bK2\r\nVia: SIP/2.0/UDP c;branch=z9hG4bK1\r\n"
    b'From: "A" <sip:a@h>;tag=f1\r\nTo: <sip:1@h>\r\nCall-ID: c1\r\nCSeq: 7 INVITE\r\n'
    b"Contact: <sip:a@10.0.0.9:5070;transport=udp>\r\n\r\n"
)


def _invite() -> SipRequest:
    parsed = SipMessage.parse(INVITE)
    assert isinstance(parsed, SipRequest)
    return parsed


def test_a_response_goes_back_the_way_the_request_came() -> None:
    """Every Via and Record-Route is echoed in order, and the tag is put on To."""
    lines = bytes(response(_invite(), 180, "Ringing", to_tag="SCL_1")).decode().split("\r\n")

    assert lines == [
        "SIP/2.0 180 Ringing",
        "Record-Route: <sip:p1;lr>",
        "Record-Route: <sip:p2;lr>",
        "Via: SIP/2.0/UDP p1;branch=z9hG4bK2",
        "Via: SIP/2.0/UDP c;branch=z9hG4bK1",
        'From: "A" <sip:a@h>;tag=f1',
        "To: <sip:1@h>;tag=SCL_1",
        "Call-ID: c1",
        "CSeq: 7 INVITE",
        "Content-Length: 0",
        "",
        "",
    ]


def test_a_body_has_its_length_told_where_the_header_stands() -> None:
    """Content-Length keeps its place before the headers that follow."""
    lines = bytes(response(_invite(), 200, "OK", headers=[("Contact", "<sip:h>")], body=b"v=0")).decode()

    assert "Content-Length: 3\r\nContact: <sip:h>\r\n\r\nv=0" in lines


def test_a_bye_of_the_called_side_turns_the_dialog_around() -> None:
    """To the Contact, through the route the INVITE recorded, with From and To exchanged."""
    lines = bytes(bye(_invite(), to_tag="SCL_1", via="SIP/2.0/UDP 127.0.0.1:5060")).decode().split("\r\n")

    assert lines[0] == "BYE sip:a@10.0.0.9:5070;transport=udp SIP/2.0"
    assert lines[1].startswith("Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK.")
    assert lines[2:] == [
        "Route: <sip:p1;lr>",
        "Route: <sip:p2;lr>",
        "Max-Forwards: 70",
        "Call-ID: c1",
        "Content-Length: 0",
        "CSeq: 8 BYE",
        "From: <sip:1@h>;tag=SCL_1",
        'To: "A" <sip:a@h>;tag=f1',
        "",
        "",
    ]


def test_a_bye_to_a_caller_without_contact_goes_to_its_from_uri() -> None:
    """There is nothing else to go by."""
    invite = _invite()
    invite.headers.remove("Contact")

    assert bye(invite, to_tag="SCL_1", via="SIP/2.0/UDP h").uri == "sip:a@h"
