"""Class names from a text, a table or JSON, pasted or in a file."""

import csv
import json
from pathlib import Path

from pda_studio.errors import PdaStudioError
from pda_studio.reading import refused_as

_LONGEST = 1 << 24  # bytes of a file
_BETWEEN = ",;\t"  # cells of a table


def read_class_names(path: Path) -> tuple[str, ...]:
    """Read class names from a file: see `names_in`.

    Raises
    ------
    PdaStudioError
        If there is no such file, or it holds no names.
    """
    if not path.is_file():
        raise PdaStudioError(f"There is no file of class names at {path}; check the name.")
    wrong = (
        f"{path.name} holds no class names: it must be a text with one name a line, a CSV table of"
        " index and name, or a JSON list."
    )
    with refused_as(wrong, path):
        data = path.read_bytes()
        if len(data) > _LONGEST:
            raise ValueError("too long")
        text = data.decode("utf-8-sig")
        if "\0" in text:
            raise ValueError("no text")
        names = names_in(text)
    if not names:
        raise PdaStudioError(wrong)
    return names


def names_in(text: str) -> tuple[str, ...]:
    """Class names in a text.

    Parameters
    ----------
    text : str
        JSON: a list, or an object by index or with the index as value. A table of which one column
        holds the indices, from 0 or 1 on, with commas, semicolons or tabs between cells, with or
        without a header. Or one name a line.

    Raises
    ------
    ValueError
        If it is damaged JSON.
    """
    text = text.strip()
    if text.startswith(("[", "{")):
        names = json.loads(text)
        if isinstance(names, dict):  # by index, as {"0": "cat"}, or with the index as value
            if all(isinstance(value, int) for value in names.values()):
                names = {str(index): name for name, index in names.items()}
            names = [names[str(index)] for index in range(len(names))]
        if not all(isinstance(name, str | int) for name in names):
            raise ValueError("no names")
        return tuple(str(name) for name in names)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next(filter(None, (_of_table(lines, one) for one in _BETWEEN)), tuple(lines))


def text_of(names: tuple[str, ...]) -> str:
    """A text in which `names_in` finds these names: one a line, where that can be."""
    text = "\n".join(names)
    try:
        same = names_in(text) == names
    except ValueError:
        same = False
    return text if same else json.dumps(names, ensure_ascii=False)


def _of_table(lines: list[str], between: str) -> tuple[str, ...]:
    """Names by index, if one column holds the indices; none if not."""
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=between)]
    except csv.Error:
        return ()
    if not rows or len(rows[0]) < 2 or len({len(row) for row in rows}) != 1:
        return ()
    for table in (rows, rows[1:]):  # without a header, and with one
        for at in range(len(rows[0])):
            cells = [row[at] for row in table]
            if not table or not all(cell.isdecimal() and len(cell) < 9 for cell in cells):
                continue
            indices = [int(cell) for cell in cells]
            if sorted(indices) in (list(range(len(table))), list(range(1, len(table) + 1))):
                named = 1 if at == 0 else 0
                by_index = {index: row[named] for index, row in zip(indices, table, strict=True)}
                return tuple(by_index[index] for index in sorted(by_index))
    return ()
