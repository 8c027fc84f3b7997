"""Far ends that do what RFC 3261 allows and few do, each a script of one call."""

from tests.sip.script import Behaviour, FarCall, Script


def _asked(method: str, direction: str) -> Behaviour:
    """Answers, and describes itself anew within the call."""

    def behave(call: FarCall) -> Script:
        call.answer()
        yield from call.until("ACK")
        yield from call.speak(0.2)
        call.request(method, call.sdp(direction=direction, version=2))
        response = yield from call.until("200")
        if method == "INVITE":
            call.acknowledge(response)
        yield from call.pause(0.05)
        call.packets()
        yield from call.speak(0.2)
        yield from call.let_go()

    return behave


def both_hang_up(call: FarCall) -> Script:
    """Says BYE as its caller does."""
    call.answer()
    theirs = yield from call.until("BYE")
    call.request("BYE")
    yield from call.until("200")
    call.reply(200, to=theirs)


def answers_a_cancel(call: FarCall) -> Script:
    """Has just answered when it is cancelled."""
    call.reply(180)
    cancel = yield from call.until("CANCEL")
    call.reply(200, call.sdp())
    call.reply(200, to=cancel)
    yield from call.let_go()


def repeats(call: FarCall) -> Script:
    """Rings more than once, and says its 200 until it has been acknowledged three times."""
    for _ in range(3):
        call.reply(180)
    for _ in range(3):
        call.reply(200, call.sdp())
        yield from call.until("ACK")
    yield from call.let_go()


def answers_twice(call: FarCall) -> Script:
    """Is two phones behind a proxy that forks, both of which answer."""
    call.answer()
    yield from call.until("ACK")
    call.reply(200, call.sdp(), tag="second")
    yield from call.let_go()


def rings_twice(call: FarCall) -> Script:
    """Is two phones behind a proxy that forks, the second of which answers."""
    call.reply(180, tag="first")
    call.reply(180, tag="second")
    call.reply(200, call.sdp(), tag="second")
    yield from call.let_go()


def hears_the_third(call: FarCall) -> Script:
    """Gets the third INVITE, since the network lost those before."""
    yield from call.until("INVITE")
    yield from call.until("INVITE")
    call.answer()
    yield from call.let_go()


def tries_late(call: FarCall) -> Script:
    """Says 100 when its caller has already given up."""
    yield from call.pause(5.5)
    call.reply(100)
    yield from call.let_go()


def hangs_up_ringing(call: FarCall) -> Script:
    """Says BYE instead of a final response."""
    call.reply(180)
    yield from call.pause(0.05)
    call.request("BYE")
    yield from call.let_go()


def never_lets_go(call: FarCall) -> Script:
    """Answers, and never again anything."""
    call.answer()
    yield None


ODD: dict[str, Behaviour] = {
    "re-invites": _asked("INVITE", "sendrecv"),
    "updates": _asked("UPDATE", "sendrecv"),
    "holds": _asked("INVITE", "sendonly"),
    "both-hang-up": both_hang_up,
    "answers-a-cancel": answers_a_cancel,
    "repeats": repeats,
    "answers-twice": answers_twice,
    "rings-twice": rings_twice,
    "hears-the-third": hears_the_third,
    "tries-late": tries_late,
    "hangs-up-ringing": hangs_up_ringing,
    "never-lets-go": never_lets_go,
}
