"""The errors of reading and comparing runs: one tree.

AnalysisError
├── NotARunFolderError     no folder, or no run.json in it
├── NewerFormatError       written by a later version of the tester
├── BrokenFileError        a file of the folder cannot be read
├── UnknownGateError       run.json names a gate that does not exist
├── ImpossibleGateError    a gate is asked for that a run cannot be held to
└── UnlikeRunsError        runs that must not be compared
"""


class AnalysisError(Exception):
    """What every error here is; its message is one sentence that says what to do."""


class NotARunFolderError(AnalysisError):
    """There is no run where one was looked for."""


class NewerFormatError(AnalysisError):
    """The run was written in a format that this version does not know."""


class BrokenFileError(AnalysisError):
    """A file of the run folder cannot be read."""


class UnknownGateError(AnalysisError):
    """A gate was asked for that does not exist."""


class ImpossibleGateError(AnalysisError):
    """A gate was asked for that this run, or no run, can be held to."""


class UnlikeRunsError(AnalysisError):
    """The runs differ in what must match before they may stand side by side."""
