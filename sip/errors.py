"""The errors of the load side: one tree, each error one sentence that a user can act on.

RingtimeError
├── UsageError      an option has an impossible value; nothing was dialled
├── TrunkError      the trunk cannot be called at all
├── PhoneError      the tester's own phones do not start or do not stay up
└── RunFolderError  the run's folder or one of its files cannot be written

A call that fails is data (a record with its outcome), never one of these.
"""

__all__ = ["PhoneError", "RingtimeError", "RunFolderError", "TrunkError", "UsageError"]


class RingtimeError(Exception):
    """What happened, with which value, and what to do about it."""


class UsageError(RingtimeError):
    """An option has an impossible value: refused before the first call."""

    def __init__(self, option: str, value: object, remedy: str) -> None:
        super().__init__(f"{option} cannot be {value!r}: {remedy}")
        self.option = option
        self.value = value
        self.remedy = remedy


class TrunkError(RingtimeError):
    """The trunk cannot be called at all."""


class PhoneError(RingtimeError):
    """The tester's own phones do not start or do not stay up."""


class RunFolderError(RingtimeError):
    """The run's folder or one of its files cannot be written; what was written before is kept."""
