"""What can go wrong while a lab comes up, each said in one sentence with its remedy.

LabError
├── ProgramMissingError   a program the lab needs is not on this machine
├── NotReadyError         a part ended, or stayed silent, before it was ready
└── DiedError             a part ended while the lab was up
"""


class LabError(Exception):
    """The lab cannot do what was asked; the message is one sentence for the person who asked."""


class ProgramMissingError(LabError):
    """A program the lab needs is not on this machine."""


class NotReadyError(LabError):
    """A part ended, or stayed silent for too long, before it was ready."""


class DiedError(LabError):
    """A part ended while the lab was up."""
