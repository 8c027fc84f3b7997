"""Real calls to far ends that misbehave, all at once, with good ones between them from the same workers."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sip.outcome import Outcome
from sip.pool import Pool
from sip.record import CallRecord
from tests.sip import bad_peers
from tests.sip.conftest import make_calls
from tests.sip.peer import FarCall, Peer, playing

pytestmark = [pytest.mark.system, pytest.mark.timeout(90)]
GOOD = [f"good-{number}" for number in range(12)]
OTHERS = {
    "hangs-up-ringing": bad_peers.hangs_up_ringing,
    "never-lets-go": bad_peers.never_lets_go,
}
BAD = (
    {name: behave for name, (behave, *_) in bad_peers.UNANSWERED.items()}
    | bad_peers.MUTE
    | bad_peers.ANSWERED
    | OTHERS
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
    numbers = {name: name for name in (*BAD, *GOOD)}
    with playing() as peer:
        peer.behaviours.update(BAD)
        trunk = dataclasses.replace(peer.trunk, user="alice", password="wrong")  # noqa: S106
        with Pool(trunk, log_folder=tmp_path_factory.mktemp("pool"), concurrent=28) as pool:
            records = make_calls(
                pool,
                len(numbers),
                rate=25.0,
                numbers=numbers,
                setup_timeout_s=2.0,
                ring_timeout_s=2.0,
                hold_s=0.8,
                final_after_cancel_s=1.0,
                bye_answer_s=1.0,
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
    assert record.bye_s - record.answered_s >= 0.79
    assert record.bye_answered_s is not None
