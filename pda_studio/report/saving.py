"""A report as a file holds it."""

from pda_studio.errors import UsageError
from pda_studio.report.document import Report
from pda_studio.report.pages import pdf

SUFFIXES = (".html", ".pdf")
"""What the name of a report's file may end in."""


def report_bytes(report: Report, suffix: str) -> bytes:
    """The whole report, as a file with this suffix holds it.

    Parameters
    ----------
    report : Report
        What it tells.
    suffix : str
        One of `SUFFIXES`.

    Raises
    ------
    UsageError
        If no report ends so.
    """
    if suffix.lower() not in SUFFIXES:
        raise UsageError(f"The name of a report ends in {' or '.join(SUFFIXES)}, not “{suffix}”.")
    return pdf(report) if suffix.lower() == ".pdf" else report.html().encode()
