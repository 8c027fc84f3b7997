"""What can be wrong with a network asked for, each said in one sentence with its remedy.

NetworkError
├── ProfileError        a profile, or the choice of one, says something impossible
├── CannotExpressError  an executor cannot do what the profile asks; names those that can
├── UnavailableError    this machine lacks what an executor needs
└── WireError           an executor did not come up, or ended while it was needed
"""


class NetworkError(Exception):
    """The network asked for cannot be had; the message is one sentence for the person who asked."""


class ProfileError(NetworkError):
    """A profile, or the choice of one, says something impossible."""


class CannotExpressError(NetworkError):
    """An executor cannot do what the profile asks."""


class UnavailableError(NetworkError):
    """This machine lacks what an executor needs."""


class WireError(NetworkError):
    """An executor did not come up, or ended while it was needed."""
