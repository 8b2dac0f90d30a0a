"""What PDA Studio tells the user when something cannot be done.

Every message is one sentence that says what is wrong and what to do. The command line prints it
and exits with `exit_status`; the window shows it with the details behind a button.
"""


class PdaStudioError(Exception):
    """Something went wrong in the work: a file, a network, the disk."""

    exit_status = 1


class UsageError(PdaStudioError):
    """The request itself is wrong: an unknown name, a value out of its bounds."""

    exit_status = 2


class Cancelled(PdaStudioError):
    """The user stopped the work."""
