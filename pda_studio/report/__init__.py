"""Reports: studies and maps in one HTML file, with all that is needed to repeat them."""

from pda_studio.report.citations import Entry, entries
from pda_studio.report.commands import Origin, explain_command, study_command
from pda_studio.report.document import MapPart, Report, StudyPart

__all__ = [
    "Entry",
    "MapPart",
    "Origin",
    "Report",
    "StudyPart",
    "entries",
    "explain_command",
    "study_command",
]
