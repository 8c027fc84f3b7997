"""How much a deployment carries before callers notice: `locust -f locustfiles/capacity.py --headless`."""

from capacity.load_test import Capacity
from sip import dialer
from sip.dialer import Caller, UntilAllCallsEnded

__all__ = ["Caller", "UntilAllCallsEnded"]

dialer.run(Capacity())
