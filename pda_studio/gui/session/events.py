"""What an edit of the workspace changed, field by field."""

from psygnal import Signal, SignalGroup

from pda_studio.document.workspace import Workspace

_FIELDS = ("image", "classifier", "target", "rows", "columns")
"""In the order in which their signals are emitted."""


class WorkspaceEvents(SignalGroup):
    """A signal for each field of a workspace, which carries the field's new value."""

    image = Signal(object)
    classifier = Signal(object)
    target = Signal(object)
    rows = Signal(object)
    columns = Signal(object)

    def emit_changes(self, before: Workspace, after: Workspace) -> None:
        """Emit the signals of the fields that differ."""
        for name in _FIELDS:
            old, new = getattr(before, name), getattr(after, name)
            if old is not new and old != new:
                self[name].emit(new)
