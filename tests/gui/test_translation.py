"""All words of the window go through Qt's translation."""

import ast
from pathlib import Path

import pytest

import pda_studio.gui

FOLDER = Path(pda_studio.gui.__file__).parent
SHOWING = {
    "QAction", "QCheckBox", "QGroupBox", "QLabel", "QMenu", "QPushButton", "QRadioButton",
    "QToolButton", "Section", "addAction", "addItem", "addMenu", "addTab", "plain_button",
    "setAccessibleName", "setInformativeText", "setPlaceholderText", "setStatusTip", "setText",
    "setTitle", "setToolTip", "setWindowTitle", "show_idle", "show_progress", "tell",
}  # fmt: skip
NAMES = {"PDA Studio", "<b>PDA Studio</b> "}


def untranslated(source: str) -> list[tuple[int, str]]:
    """Line and words of what is shown as it stands in the source."""
    found = []
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and _name(call) in SHOWING:
            # What is added to a list comes with data, which nobody reads.
            shown = call.args[:1] if _name(call) == "addItem" else call.args
            for argument in [*shown, *(keyword.value for keyword in call.keywords)]:
                found += [(call.lineno, words) for words in _words(argument)]
    return found


def _words(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Call):
        inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        return _words(inner) if _name(node) == "format" and inner else []
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        letters = [part for part in node.value.split() if sum(map(str.isalpha, part)) > 2]
        return [node.value] if letters and node.value not in NAMES else []
    if isinstance(node, ast.JoinedStr | ast.BinOp | ast.IfExp):
        parts = [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]
        return [words for part in parts for words in _words(part)]
    return []


def _name(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_no_words_are_shown_untranslated() -> None:
    files = sorted(FOLDER.rglob("*.py"))
    assert len(files) > 150
    offered = [
        (str(path.relative_to(FOLDER)), line, words)
        for path in files
        for line, words in untranslated(path.read_text("utf-8"))
        if not (_is_icon(words) or words.endswith(".svg"))
    ]
    assert not offered


def _is_icon(words: str) -> bool:
    folder = FOLDER.parents[1] / "resources" / "icons"
    return (folder / f"{words}.svg").is_file()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('label.setText("Open the file")', "Open the file"),
        ('QPushButton("Close")', "Close"),
        ('box.tell(f"Saved {name}")', "Saved "),
    ],
)
def test_the_search_finds_such_words(source: str, words: str) -> None:
    assert untranslated(source) == [(1, words)]


@pytest.mark.parametrize("source", ['label.setText(self.tr("Open"))', 'label.setText("× {0}")'])
def test_the_search_lets_translated_ones_pass(source: str) -> None:
    assert untranslated(source) == []
