"""Real calls to odd and to bad far ends, all at once, with good ones between them from the same workers."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sip.outcome import Outcome
from sip.pool import Pool
from sip.record import CallRecord
from tests.sip import bad_peers, odd_peers
from tests.sip.conftest import make_calls
from tests.sip.peer import Peer, playing
from tests.sip.script import FarCall

pytestmark = [pytest.mark.system, pytest.mark.timeout(90)]
PATIENCE_S, LINGERING_S, HOLD_S = 5.0, 2.0, 2.5
GOOD = [f"good-{number}" for number in range(14)]
UNUSUAL = (
    {name: behave for name, (behave, *_) in bad_peers.UNANSWERED.items()}
    | bad_peers.MUTE
    | bad_peers.ANSWERED
    | odd_peers.ODD
)


@dataclass
class Played:
    """What the far ends heard, what was recorded of each, and how many workers had to be replaced."""

    peer: Peer
    records: dict[str, CallRecord]
    restarts: int

    def of(self, number: str) -> tuple[CallRecord, FarCall]:
        """The record of a number, and its far end."""
        return self.records[number], self.peer.of(number)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """One campaign: every far end is called once."""
    numbers = {name: name for name in (*UNUSUAL, *GOOD)}
    with playing() as peer:
        peer.behaviours.update(UNUSUAL)
        trunk = dataclasses.replace(peer.trunk, user="alice", password="wrong")  # noqa: S106
        with Pool(trunk, log_folder=tmp_path_factory.mktemp("pool"), concurrent=28) as pool:
            records = make_calls(
                pool,
                len(numbers),
                rate=25.0,
                numbers=numbers,
                setup_timeout_s=PATIENCE_S,
                ring_timeout_s=PATIENCE_S,
                hold_s=HOLD_S,
                final_after_cancel_s=LINGERING_S,
                bye_answer_s=LINGERING_S,
            )
            restarts = pool.health().restarts
        yield Played(peer, {record.number: record for record in records}, restarts)


def test_no_far_end_costs_a_worker_or_another_s_call(played: Played) -> None:
    """Good calls were made all the while, by the same workers; each was answered and heard."""
    assert played.restarts == 0
    for number in GOOD:
        record = played.records[number]
        assert (record.outcome, record.ended_by, record.silent) == (Outcome.ANSWERED, "caller", False)
        assert record.bye_answered_s is not None


@pytest.mark.parametrize("number", bad_peers.UNANSWERED)
def test_who_does_not_answer_is_recorded_as_what_he_did(played: Played, number: str) -> None:
    """What is no SIP is no response; a redirection is never followed, a challenge answered once."""
    _, outcome, status, is_local = bad_peers.UNANSWERED[number]
    record, far = played.of(number)

    assert (record.outcome, record.sip_status, record.status_is_local) == (outcome, status, is_local)
    assert record.answered_s is None
    assert played.peer.stray == [] or all(heard.method != "INVITE" for heard in played.peer.stray)
    assert far.methods().count("CANCEL") == (number == "only-tries")


@pytest.mark.parametrize("number", bad_peers.MUTE)
def test_an_answer_that_cannot_be_talked_on_is_hung_up_at_once(played: Played, number: str) -> None:
    """It was answered, in silence, and the caller went, with an ACK and a BYE."""
    record, far = played.of(number)

    assert (record.outcome, record.silent, record.ended_by) == (Outcome.ANSWERED, True, "caller")
    assert record.bye_s is not None
    assert {"ACK", "BYE"} <= set(far.methods())


@pytest.mark.parametrize("number", bad_peers.ANSWERED)
def test_an_answered_call_survives_what_comes_after(played: Played, number: str) -> None:
    """It is held for as long as any other, and ends with the caller's BYE, which is answered."""
    record, _ = played.of(number)

    assert (record.outcome, record.ended_by) == (Outcome.ANSWERED, "caller")
    assert record.answered_s is not None
    assert record.bye_s is not None
    assert record.bye_s - record.answered_s >= HOLD_S
    assert record.bye_answered_s is not None


@pytest.mark.parametrize("number", ["re-invites", "updates"])
def test_a_call_that_is_described_anew_goes_on(played: Played, number: str) -> None:
    """The far end is told 200, hears our voice still, and both streams are counted; the first stamps stay."""
    record, far = played.of(number)
    spoken = [packet for packet in far.packets() if len(set(packet[12:])) > 4]

    assert (record.outcome, record.ended_by) == (Outcome.ANSWERED, "caller")
    assert far.methods().count("200") == 1
    assert record.trying_s is None  # a 100 is the far end's, not ours to its re-INVITE
    assert record.bye_answered_s is not None
    assert record.rtp is not None
    assert record.rtp.received > 10  # which are those of the first
    assert record.rtp.sent > len(spoken) > 0
    stamps = (record.ringing_s, record.answered_s, record.first_packet_s, record.first_audio_s, record.bye_s)
    known = [stamp for stamp in stamps if stamp is not None]
    assert len(known) == 5
    assert known == sorted(known)


def test_a_call_that_is_held_goes_on_in_silence(played: Played) -> None:
    """RFC 3264 section 8.4: who only sends is sent nothing; what was heard before stays on record."""
    record, far = played.of("holds")

    assert (record.outcome, record.silent, record.ended_by) == (Outcome.ANSWERED, False, "caller")
    assert far.packets() == []
    assert record.rtp is not None
    assert record.rtp.sent > 0
    assert record.bye_answered_s is not None


def test_two_byes_that_cross_end_the_call_once(played: Played) -> None:
    """Ours was first; the far end's is answered."""
    record, far = played.of("both-hang-up")

    assert (record.outcome, record.ended_by) == (Outcome.ANSWERED, "caller")
    assert far.methods() == ["INVITE", "ACK", "BYE", "200"]


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up(played: Played) -> None:
    """RFC 3261 section 9.1; the caller had given up, so it is no answer."""
    record, far = played.of("answers-a-cancel")

    assert (record.outcome, record.sip_status) == (Outcome.UNANSWERED, 200)
    assert far.methods() == ["INVITE", "CANCEL", "ACK", "BYE"]
    assert record.bye_answered_s is not None


def test_a_200_that_is_repeated_is_one_answer_and_acknowledged_each_time(played: Played) -> None:
    """RFC 3261 section 13.2.2.4; nor does an 18x that is repeated move the ringing."""
    record, far = played.of("repeats")

    assert record.outcome is Outcome.ANSWERED
    assert far.methods() == ["INVITE", "ACK", "ACK", "ACK", "BYE"]


def test_the_second_answer_of_a_forked_call_is_acknowledged_and_hung_up(played: Played) -> None:
    """RFC 3261 section 13.2.2.4; the first is the call."""
    record, far = played.of("answers-twice")
    hung_up = {heard.header("To").partition(";tag=")[2] for heard in far.heard if heard.method == "BYE"}

    assert (record.outcome, record.to_tag) == (Outcome.ANSWERED, "far")
    assert far.methods().count("ACK") == 2
    assert hung_up == {"far", "second"}


def test_of_two_that_ring_the_one_that_answers_is_the_call(played: Played) -> None:
    """Its tag is on record."""
    record, _ = played.of("rings-twice")

    assert (record.outcome, record.to_tag) == (Outcome.ANSWERED, "second")
    assert record.bye_answered_s is not None


def test_invites_that_were_lost_are_one_attempt_from_the_first_on(played: Played) -> None:
    """Timer A sends it again after 0.5 and 1 s, which are part of the post-dial delay."""
    record, far = played.of("hears-the-third")

    assert record.outcome is Outcome.ANSWERED
    assert far.methods()[:4] == ["INVITE", "INVITE", "INVITE", "ACK"]
    assert record.ringing_s is not None
    assert record.invite_s is not None
    assert record.ringing_s - record.invite_s >= 1.4


def test_a_cancel_waits_for_the_first_response(played: Played) -> None:
    """RFC 3261 section 9.1."""
    record, far = played.of("tries-late")

    assert (record.outcome, record.sip_status, record.status_is_local) == (Outcome.NO_RESPONSE, 487, False)
    assert far.methods()[-2:] == ["CANCEL", "ACK"]
    assert record.cancel_s is not None
    assert record.invite_s is not None
    assert record.cancel_s - record.invite_s > PATIENCE_S + 0.4  # which is when the response came


@pytest.mark.parametrize("number", ["never-answers", "never-lets-go"])
def test_a_line_is_given_back_long_before_the_transaction_would_time_out(played: Played, number: str) -> None:
    """RFC 3261's timers B and F are 32 s; a far end that says nothing does not hold a line for them."""
    record, _ = played.of(number)

    assert record.invite_s is not None
    assert record.ended_s is not None
    assert record.ended_s - record.invite_s < PATIENCE_S + HOLD_S + LINGERING_S + 5
    assert record.bye_answered_s is None


def test_a_far_end_that_hangs_up_while_it_rings_has_failed(played: Played) -> None:
    """Its BYE is answered, and its status is none of the INVITE's."""
    record, far = played.of("hangs-up-ringing")

    assert (record.outcome, record.sip_status, record.ended_by) == (Outcome.AGENT_FAILED, None, "callee")
    assert far.methods()[:2] == ["INVITE", "200"]
