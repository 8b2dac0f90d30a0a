"""What can be done with results in the background; it imports the engine and the figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pda_studio import images
from pda_studio.batch.exporting import save_csv, save_figure
from pda_studio.batch.table import ResultTable
from pda_studio.document.of_results import Found, state_of

if TYPE_CHECKING:
    from pda_studio.classifiers import Classifier
    from pda_studio.document.state import State
    from pda_studio.rendering import Appearance


def opened_result(table: ResultTable, at: int) -> State:
    """A result as open work, with the other results of its image beside it."""
    others = [one for one in table.of_image(at) if one != at and table.file(one, "map")]
    chosen, *beside = (Found(table.row(one), table.file(one, "map")) for one in (at, *others))
    return state_of(table.folder, chosen, beside)


def predicted(classifier: Classifier, path: Path) -> tuple[str, float]:
    """The likeliest class of an image, and its probability or value."""
    view = classifier.preprocessing.view(images.read_image(path))
    values = classifier.taking((view.shape[0], view.shape[1])).predict(view)
    likeliest = int(values.argmax())
    return classifier.class_names[likeliest], float(values[likeliest])


def export(table: ResultTable, rows: Sequence[int], path: Path, appearance: Appearance) -> Path:
    """Write rows as a table or as a figure, as the file's name says."""
    if path.suffix.lower() == ".csv":
        save_csv(table, rows, path)
    else:
        save_figure(table, rows, path, appearance)
    return path
