"""Calls into a LiveKit SIP trunk, arm beside arm: `locust -f locustfiles/calls.py`."""

from sip.dialer import Caller, UntilAllCallsEnded

__all__ = ["Caller", "UntilAllCallsEnded"]
