"""What the headers of the grid say: of the input, of each column, of each row."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from pda_studio.document.operations import described
from pda_studio.gui.grid.headings import heading
from pda_studio.gui.grid.panel_table import PanelTable
from pda_studio.gui.session.session import Session


def show_headers(session: Session, table: PanelTable) -> None:
    """Show what the session's columns and rows are."""
    tr = QCoreApplication.translate
    selected = session.selected_column
    classifier = session.classifier
    if classifier is not None:
        prediction = session.prediction(session.work.rows[0].key)
        seen = prediction.subject.classifier if prediction is not None else classifier
        height, width = seen.input_size
        table.input_header.show_text(
            tr("GridView", "Input"), tr("GridView", "{0} × {1} pixels").format(width, height)
        )
    for column in session.work.columns:
        header = table.column_headers[column.key]
        header.close_button.setVisible(len(session.work.columns) > 1)
        if column.suited:
            help = f"{column.method.summary}\n{column.method.citation}"
            header.show_text(*heading(session, column), help)
        header.set_selected(column == selected and len(session.work.columns) > 1)
    for row in session.work.rows:
        image = session.work.image_of(row)
        parts = [image.name] if row.image is not None and image else []
        if row.operations or not parts:
            parts.append(described(row.operations))
        header_of = table.row_headers[row.key]
        header_of.show_text(" · ".join(parts), row == session.selected_row)
        header_of.show_turned_back(bool(row.operations), row.turned_back)
