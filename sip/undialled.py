"""The record of a dial that could not be made: the tester's shortfall, kept and counted."""

from sip.call import Call
from sip.phase import Limits
from sip.phone import Lost
from sip.plan import Dial
from sip.record import CallRecord, Epoch


def never_dialled(
    dial: Dial,
    *,
    call_id: str,
    number: str,
    due_s: float,
    epoch: Epoch,
    worker: str,
    error: str,
) -> CallRecord:
    """What is left of it, with the `error` that it was dropped for."""
    call = Call(dial, call_id=call_id, number=number, due_s=due_s, ordered_s=due_s, limits=Limits())
    call.handle(Lost(call_id, due_s, error))
    return call.record(epoch=epoch, worker=worker, measures_audio=False)
