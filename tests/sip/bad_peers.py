"""Far ends that do what none should, each a script of one call."""

import re
from collections.abc import Callable

from tests.sip.script import Behaviour, FarCall, Script

_LENGTH = re.compile(rb"Content-Length: (\d+)")


def sends(*spoil: Callable[[bytes], bytes]) -> Behaviour:
    """Answers with its 200 as each of these spoils it."""

    def behave(call: FarCall) -> Script:
        for one in spoil:
            call.send(one(call.response(200, call.sdp())))
        yield from call.let_go()

    return behave


def answers(body: Callable[[FarCall], str], kind: str = "application/sdp") -> Behaviour:
    """Answers with such a body."""

    def behave(call: FarCall) -> Script:
        call.reply(200, body(call), kind=kind)
        yield from call.let_go()

    return behave


def offers(body: Callable[[FarCall], str]) -> Behaviour:
    """Answers, and then sends a re-INVITE with such a body."""

    def behave(call: FarCall) -> Script:
        call.answer()
        yield from call.until("ACK")
        call.request("INVITE", body(call))
        call.acknowledge((yield from call.until("200", "415", "488", "500")))
        yield from call.let_go()

    return behave


def never_answers(call: FarCall) -> Script:
    """Says nothing at all."""
    yield None


def only_tries(call: FarCall) -> Script:
    """Says 100, and 487 when asked."""
    call.reply(100)
    yield from call.let_go()


def redirects(call: FarCall) -> Script:
    """Says that it is somewhere else, where nobody is."""
    call.reply(302, more="Contact: <sip:elsewhere@127.0.0.1:9>\r\n")
    yield from call.let_go()


def redirects_nowhere(call: FarCall) -> Script:
    """Says that it is somewhere else, and not where."""
    call.send(call.response(300).replace(b"Contact: ", b"X-Contact: "))
    yield from call.let_go()


def challenges_for_ever(call: FarCall) -> Script:
    """Asks for a digest with another nonce each time."""
    for nonce in range(20):
        call.reply(401, more=f'WWW-Authenticate: Digest realm="far", nonce="{nonce}", algorithm=MD5\r\n')
        call.invite = yield from call.until("INVITE")


def falls_silent(call: FarCall) -> Script:
    """Speaks for a moment, and no more."""
    call.answer()
    yield from call.until("ACK")
    yield from call.speak(0.2)
    yield from call.let_go()


def rings_without_end(call: FarCall) -> Script:
    """Floods its caller with 180s, and answers."""
    for _ in range(500):
        call.reply(180)
    call.reply(200, call.sdp())
    yield from call.let_go()


def floods(call: FarCall) -> Script:
    """Answers, and then sends what is no SIP."""
    call.answer()
    yield from call.until("ACK")
    for _ in range(1000):
        call.send(b"\xff\x00no SIP" * 20)
    yield from call.let_go()


def calls_back(call: FarCall) -> Script:
    """Answers, and then calls its caller, with offers, as one who scans for open gateways does."""
    call.answer()
    yield from call.until("ACK")
    offer = call.sdp()
    via = f"SIP/2.0/UDP {call.contact.partition('@')[2].partition(';')[0]}"
    for number in range(120):  # the library ends a process with as many sockets as half of them would need
        call.send(
            (
                f"INVITE sip:900{number}@127.0.0.1 SIP/2.0\r\nVia: {via};branch=z9hG4bKscan{number}\r\n"
                f"From: <sip:scan@127.0.0.1>;tag=1\r\nTo: <sip:900{number}@127.0.0.1>\r\n"
                f"Call-ID: scan{number}\r\nCSeq: 1 INVITE\r\n"
                f"Contact: <sip:scan@{via.split()[1]}>\r\nMax-Forwards: 70\r\n"
                f"Content-Type: application/sdp\r\nContent-Length: {len(offer)}\r\n\r\n{offer}"
            ).encode()
        )
        if number % 10 == 9:
            yield from call.pause(0.02)
    yield from call.let_go()


def asks_for_everything(call: FarCall) -> Script:
    """Sends requests of every kind within the call."""
    call.answer()
    yield from call.until("ACK")
    for method in ("OPTIONS", "INFO", "NOTIFY", "REFER", "MESSAGE", "SUBSCRIBE", "PRACK", "PUBLISH", "NONE"):
        call.request(method)
    yield from call.let_go()


def says(length: Callable[[int], int]) -> Callable[[bytes], bytes]:
    """A message with another Content-Length than it has."""
    return lambda message: _LENGTH.sub(
        lambda found: b"Content-Length: %d" % length(int(found[1])), message, count=1
    )


def states(line: bytes) -> Callable[[bytes], bytes]:
    """A message with another status line."""
    return lambda message: line + message[message.index(b"\r\n") :]


def cut(after: bytes) -> Callable[[bytes], bytes]:
    """A message that ends in the middle of what comes after."""
    return lambda message: message[: message.index(after) + len(after) + 3]


NO_SIP = (b"\0" * 50, b"\xff\xfe" * 700, b"SIP/2.0", b"SIP/2.0 200", b"SIP/2.0 200 OK\r\n\r\n", b"a" * 60_000)
NO_STATUS = (
    b"SIP/2.0 0 No",
    b"SIP/2.0 999 No",
    b"SIP/2.0 99999999999999 No",
    b"SIP/2.0 -200 No",
    b"SIP/2.0 OK",
)
HEADS = (b"SIP/2.0 2", b"Via: ", b"From: ", b"To: ", b"Call-ID: ", b"Contact: ")
HALF_SDP = "v=0\r\nthis is none\r\n\0\0"

# Who refuses, or is never understood, and with what the attempt ends: outcome, status, whether we made it up.
UNANSWERED: dict[str, tuple[Behaviour, str, int, bool]] = {
    "never-answers": (never_answers, "no_response", 487, True),
    "only-tries": (only_tries, "no_response", 487, False),
    "no-sip": (sends(*((lambda _, junk=junk: junk) for junk in NO_SIP)), "no_response", 487, True),
    "cut-headers": (sends(*map(cut, HEADS)), "no_response", 487, True),
    "absurd-statuses": (sends(*map(states, NO_STATUS)), "no_response", 487, True),
    "negative-length": (sends(says(lambda _: -1)), "no_response", 487, True),
    "redirects": (redirects, "redirected", 302, False),
    "redirects-nowhere": (redirects_nowhere, "redirected", 300, False),
    "challenges-for-ever": (challenges_for_ever, "misconfigured", 401, False),
}
# Whose answer is none to talk on: our own stack hangs up.
MUTE: dict[str, Behaviour] = {
    "no-sdp": answers(lambda _: ""),
    "broken-sdp": answers(lambda _: HALF_SDP),
    "other-body": answers(lambda _: "<xml/>", "text/xml"),
    "no-media": answers(lambda call: call.sdp().partition("m=")[0]),
    "no-common-codec": answers(lambda call: call.sdp(formats="18")),
    "port-0": answers(lambda call: re.sub(r"m=audio \d+", "m=audio 0", call.sdp())),
    "port-beyond": answers(lambda call: call.sdp().replace("m=audio ", "m=audio 99999")),
    "host-of-nowhere": answers(lambda call: call.sdp().replace("c=IN IP4 127.0.0.1", "c=IN IP4 a.invalid")),
    "short-length": sends(says(lambda _: 10)),
}
# Who answers, and then does what the call survives.
ANSWERED: dict[str, Behaviour] = {
    "long-length": sends(says(lambda length: length + 90)),
    "rings-without-end": rings_without_end,
    "floods": floods,
    "calls-back": calls_back,
    "asks-for-everything": asks_for_everything,
    "falls-silent": falls_silent,
    "other-codec": offers(lambda call: call.sdp(formats="8", version=2)),
    "wideband-codec": offers(lambda call: call.sdp(formats="9", version=2)),
    "broken-offer": offers(lambda _: HALF_SDP),
    "offer-of-nothing": offers(lambda call: re.sub(r"m=audio \d+", "m=audio 0", call.sdp(version=2))),
    "no-offer": offers(lambda _: ""),
}
