"""The errors of the load side: one tree, each error one sentence that a user can act on.

RingtimeError
├── UsageError          an option has an impossible value; nothing was dialled
├── OptionRefusedError  a child process refused an option; the sentence is its own
├── LabDownError        the lab did not come up, or a part of it died
├── DeploymentError     the LiveKit deployment refuses what a run needs of it, or does not answer
├── TrunkError          the trunk cannot be called at all
├── PhoneError          the tester's own phones do not start or do not stay up
└── RunFolderError      the run's folder or one of its files cannot be written

A call that fails is data (a record with its outcome), never one of these.
"""

__all__ = [
    "DeploymentError",
    "LabDownError",
    "OptionRefusedError",
    "PhoneError",
    "RingtimeError",
    "RunFolderError",
    "TrunkError",
    "UsageError",
]


class RingtimeError(Exception):
    """What happened, with which value, and what to do about it."""

    exit_code = 1


class UsageError(RingtimeError):
    """An option has an impossible value: refused before the first call."""

    exit_code = 2

    def __init__(self, option: str, value: object, remedy: str) -> None:
        super().__init__(f"{option} cannot be {value!r}: {remedy}")
        self.option = option
        self.value = value
        self.remedy = remedy


class OptionRefusedError(RingtimeError):
    """A child process, the lab or the analysis, refused an option; the sentence is its own."""

    exit_code = 2


class LabDownError(RingtimeError):
    """The lab did not come up, or a part of it died while it was called."""


class DeploymentError(RingtimeError):
    """The LiveKit deployment behind the trunk refuses what a run needs of it, or does not answer."""


class TrunkError(RingtimeError):
    """The trunk cannot be called at all."""


class PhoneError(RingtimeError):
    """The tester's own phones do not start or do not stay up."""


class RunFolderError(RingtimeError):
    """The run's folder or one of its files cannot be written; what was written before is kept."""
