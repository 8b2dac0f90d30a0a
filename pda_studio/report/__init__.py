"""Reports: studies and maps in one HTML or PDF file, with all that is needed to repeat them."""

from pda_studio.report.citations import Entry, entries
from pda_studio.report.commands import Origin, explain_command, study_command
from pda_studio.report.document import MapPart, Report, StudyPart
from pda_studio.report.saving import SUFFIXES, report_bytes

__all__ = [
    "SUFFIXES",
    "Entry",
    "MapPart",
    "Origin",
    "Report",
    "StudyPart",
    "entries",
    "explain_command",
    "report_bytes",
    "study_command",
]
