"""Where the tester fell short of a step, so that its figures say more of the tester than of the system."""

import math
from collections.abc import Collection

from capacity.step import CPU_SHARE, DIAL_LAG_S, FAILED_SHARE, Tester
from sip.outcome import Outcome
from sip.record import CallRecord


def fared(records: Collection[CallRecord], *, cpu_busiest: float | None = None) -> Tester:
    """How the tester fared with these calls: lateness that 99 % do not exceed, and calls that it failed."""
    lags = sorted(each.invite_s - each.due_s for each in records if each.invite_s is not None)
    failed = sum(each.outcome is Outcome.TESTER_FAILED for each in records)
    return Tester(lags[math.ceil(0.99 * len(lags)) - 1] if lags else None, failed, cpu_busiest)


def shortfall(tester: Tester, calls: int) -> str | None:
    """What was too much for the tester, in words; None where nothing was."""
    if tester.dropped > FAILED_SHARE * calls:
        return f"the tester failed {tester.dropped} of {calls} calls"
    if tester.dial_lag_p99_s is not None and tester.dial_lag_p99_s > DIAL_LAG_S:
        return f"the tester dialled {tester.dial_lag_p99_s:.3f} s late at 99 %, {DIAL_LAG_S:g} s allowed"
    if tester.cpu_busiest is not None and tester.cpu_busiest > CPU_SHARE:
        return f"its busiest process used {tester.cpu_busiest:.2f} of a core, {CPU_SHARE:g} allowed"
    return None
