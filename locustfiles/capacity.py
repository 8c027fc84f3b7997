"""How much a deployment carries before callers notice: `locust -f locustfiles/capacity.py --headless`."""

from pathlib import Path

# Locust loads this file as the module `capacity`, in front of the package of that name: let it stand for it.
__path__ = [str(Path(__file__).parents[1] / "capacity")]

from capacity.load_test import Capacity
from sip import dialer
from sip.dialer import Caller, UntilAllCallsEnded

__all__ = ["Caller", "UntilAllCallsEnded"]

dialer.run(Capacity())
