"""The settings of a figure: what it shows, what it says, its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.methods.parameter_row import LABEL_WIDTH
from pda_studio.gui.window.sections import Section, rule, side_column

if TYPE_CHECKING:
    from pda_studio.figures import Composition

_KEY = Qt.ItemDataRole.UserRole
_INPUT = -1
_ROW = 22  # logical pixels
_MOST_LINES = 8  # of a list, before it scrolls
_OWN = "own"


class NameList(QListWidget):
    """Rows or columns by name: a tick shows one, a double click or F2 renames it."""

    edited = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setToolTip(self.tr("Double click or F2: another name. The tick: whether it is shown."))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._usual: dict[int, str] = {}
        self.itemChanged.connect(lambda _: self.edited.emit())

    def show_names(self, names: list[tuple[int, str]]) -> None:
        """Offer these, by key and usual name."""
        if list(self._usual.items()) == names:
            return
        hidden, own = self.hidden(), self.own()
        self._usual = dict(names)
        self.blockSignals(True)
        self.clear()
        for key, name in names:
            item = QListWidgetItem(name)
            item.setData(_KEY, key)
            editable = Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsUserCheckable
            item.setFlags(item.flags() | editable)
            item.setSizeHint(QSize(0, _ROW))
            self.addItem(item)
        self.blockSignals(False)
        self.show_choice(hidden, own)
        rows = min(max(len(names), 1), _MOST_LINES)
        self.setFixedHeight(rows * _ROW + 2 * self.frameWidth())

    def show_choice(self, hidden: set[int], own: dict[int, str]) -> None:
        """Tick what is not hidden, under names of its own."""
        self.blockSignals(True)
        for item in self._items():
            key = item.data(_KEY)
            item.setText(own.get(key) or self._usual[key])
            shown = Qt.CheckState.Unchecked if key in hidden else Qt.CheckState.Checked
            item.setCheckState(shown)
        self.blockSignals(False)

    def hidden(self) -> set[int]:
        """Keys of what has no tick."""
        return {
            item.data(_KEY)
            for item in self._items()
            if item.checkState() == Qt.CheckState.Unchecked
        }

    def own(self) -> dict[int, str]:
        """Names that are not the usual ones, by key; an empty one is the usual one again."""
        named = ((item.data(_KEY), item.text().strip()) for item in self._items())
        return {key: text for key, text in named if text and text != self._usual[key]}

    def _items(self) -> list[QListWidgetItem]:
        return [self.item(at) for at in range(self.count())]


class ComposerSettings(QWidget):
    """Edits a composition."""

    changed = Signal(object)

    def __init__(self, fonts: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        from pda_studio.figures.composition import (
            DPI_BOUNDS,
            HEIGHT_BOUNDS,
            SIZE_BOUNDS,
            TILES,
            WIDTH_BOUNDS,
            WIDTHS,
        )
        from pda_studio.rendering import panel_styles

        self._composition: Composition | None = None
        self._body = self._ticks = Section("")
        self.ticks: dict[str, QCheckBox] = {}
        self.choices: dict[str, QComboBox] = {}
        shown = self._section(self.tr("Columns and rows"))
        self.columns = NameList(self.tr("Columns"))
        self.rows = NameList(self.tr("Rows"))
        for one in (self.columns, self.rows):
            shown.body.addWidget(one)
            one.edited.connect(self._on_names)
        self._choice(
            "tiles",
            self.tr("Maps"),
            self.tr("What is drawn of each map."),
            (self.tr("As in the window"), "columns"),
            *((panel_styles()[name].title, name) for name in TILES if name in panel_styles()),
        )
        self._choice(
            "colour_bar",
            self.tr("Colour bar"),
            self.tr("One for all maps lets them share a scale, if they are in one unit."),
            (self.tr("Each map"), "each"),
            (self.tr("One for all"), "shared"),
            (self.tr("None"), "none"),
        )
        texts = self._section(self.tr("Text"))
        self._tick("show_headline", self.tr("Target above the figure"))
        self._tick("show_titles", self.tr("Names of columns"))
        self._tick("show_labels", self.tr("Names of rows"))
        self._tick("show_numbers", self.tr("Probabilities and agreement"))
        self._tick("show_caption", self.tr("Text below"))
        self.caption = QPlainTextEdit()
        self.caption.setPlaceholderText(self.tr("How the maps were made"))
        self.caption.setAccessibleName(self.tr("Text below the figure"))
        self.caption.setTabChangesFocus(True)
        self.caption.setFixedHeight(62)
        self.caption.textChanged.connect(lambda: self.edit(caption=self.caption.toPlainText()))
        texts.body.addWidget(self.caption)
        self._choice(
            "letters",
            self.tr("Letters"),
            self.tr("What has letters to refer to."),
            (self.tr("None"), "none"),
            (self.tr("Each panel"), "panels"),
            (self.tr("Rows"), "rows"),
            (self.tr("Columns"), "columns"),
        )
        self._choice(
            "letter_style",
            self.tr("Letter style"),
            self.tr("The form of the first letter."),
            *((text, text) for text in ("(a)", "a)", "a", "(A)", "A)", "A")),
        )
        self._section(self.tr("Page"))
        self.preset = QComboBox()
        titles = {
            "one column": self.tr("One column"),
            "1.5 columns": self.tr("1.5 columns"),
            "two columns": self.tr("Two columns"),
        }
        for name, millimetres in WIDTHS.items():
            self.preset.addItem(f"{titles[name]} · {millimetres:g} mm", millimetres)
        self.preset.addItem(self.tr("Another width"), _OWN)
        self.preset.activated.connect(self._on_preset)
        self._line(self.tr("Width"), self.tr("Widths that journals give."), self.preset)
        self.width_spin = QDoubleSpinBox(decimals=1, suffix=" mm")
        self.width_spin.setRange(*WIDTH_BOUNDS)
        self._number("width", self.width_spin)
        self._line(self.tr("In millimetres"), self.tr("Width of the figure."), self.width_spin)
        self.height_spin = QDoubleSpinBox(decimals=1, suffix=" mm")
        self.height_spin.setRange(*HEIGHT_BOUNDS)
        self._number("height", self.height_spin)
        help = self.tr("What the page has room for: columns and rows are divided to fit.")
        self._line(self.tr("Height at most"), help, self.height_spin)
        self.dpi_spin = QSpinBox(singleStep=50, suffix=" dpi")
        self.dpi_spin.setRange(*DPI_BOUNDS)
        self._number("dpi", self.dpi_spin)
        help = self.tr("Dots per inch of PNG and TIFF; journals want 300 or more.")
        self._line(self.tr("Resolution"), help, self.dpi_spin)
        help = self.tr("Fonts that can be embedded.")
        self._choice("font", self.tr("Font"), help, *((name, name) for name in fonts))
        self.size_spin = QDoubleSpinBox(decimals=1, singleStep=0.5, suffix=" pt")
        self.size_spin.setRange(*SIZE_BOUNDS)
        self._number("font_size", self.size_spin)
        self._line(self.tr("Font size"), self.tr("Of most of the text."), self.size_spin)
        self._choice(
            "background",
            self.tr("Background"),
            self.tr("What the figure stands on."),
            (self.tr("White"), "white"),
            (self.tr("Transparent"), "transparent"),
            (self.tr("Black"), "black"),
        )
        page = self._body
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(side_column(shown, rule(), texts, rule(), page))

    # Showing

    def show_names(self, rows: list[tuple[int, str]], columns: list[tuple[int, str]]) -> None:
        """Offer rows and columns by key and usual name."""
        self.rows.show_names(rows)
        self.columns.show_names([(_INPUT, "Input"), *columns])  # as figures name it
        if self._composition is not None:
            self.show_composition(self._composition)

    def show_composition(self, composition: Composition) -> None:
        """Show the settings as they are."""
        self._composition = composition
        hidden = set(composition.hidden_columns)
        hidden |= set() if composition.show_input else {_INPUT}
        self.columns.show_choice(hidden, dict(composition.titles))
        self.rows.show_choice(set(composition.hidden_rows), dict(composition.labels))
        for name, tick in self.ticks.items():
            tick.setChecked(getattr(composition, name))
        for name, box in self.choices.items():
            box.setCurrentIndex(max(box.findData(getattr(composition, name)), 0))
        if self.caption.toPlainText() != composition.caption:
            self.caption.blockSignals(True)
            self.caption.setPlainText(composition.caption)
            self.caption.blockSignals(False)
        self.caption.setEnabled(composition.show_caption)
        self.choices["letter_style"].setEnabled(composition.letters != "none")
        for spin, value in (
            (self.width_spin, composition.width),
            (self.height_spin, composition.height),
            (self.dpi_spin, composition.dpi),
            (self.size_spin, composition.font_size),
        ):
            spin.blockSignals(True)
            spin.setValue(value)  # type: ignore[arg-type]
            spin.blockSignals(False)
        at = self.preset.findData(composition.width)
        self.preset.setCurrentIndex(at if at >= 0 else self.preset.findData(_OWN))

    def edit(self, **changes: Any) -> None:
        """Change some settings and emit them."""
        if self._composition is None:
            return
        changed = self._composition.replace(**changes)
        if changed != self._composition:
            self.show_composition(changed)
            self.changed.emit(changed)

    # What the user does

    def _on_names(self) -> None:
        hidden = self.columns.hidden()
        self.edit(
            hidden_rows=tuple(sorted(self.rows.hidden())),
            hidden_columns=tuple(sorted(hidden - {_INPUT})),
            show_input=_INPUT not in hidden,
            labels=self.rows.own(),
            titles=self.columns.own(),
        )

    def _on_preset(self) -> None:
        width = self.preset.currentData()
        if width == _OWN:
            self.width_spin.setFocus()
            self.width_spin.selectAll()
        else:
            self.edit(width=width)

    # Making

    def _section(self, title: str) -> Section:
        self._body = Section(title)
        return self._body

    def _tick(self, name: str, text: str) -> None:
        tick = self.ticks[name] = QCheckBox(text)
        tick.toggled.connect(lambda on: self.edit(**{name: on}))
        self._body.body.addWidget(tick)

    def _choice(self, name: str, label: str, help: str, *choices: tuple[str, str]) -> None:
        box = self.choices[name] = QComboBox()
        for title, value in choices:
            box.addItem(title, value)
        box.activated.connect(lambda _: self.edit(**{name: box.currentData()}))
        self._line(label, help, box)

    def _number(self, name: str, spin: QSpinBox | QDoubleSpinBox) -> None:
        spin.setKeyboardTracking(False)
        spin.valueChanged.connect(lambda value: self.edit(**{name: value}))

    def _line(self, text: str, help: str, widget: QWidget) -> None:
        label = QLabel(text)
        label.setFixedWidth(LABEL_WIDTH)
        label.setBuddy(widget)
        widget.setAccessibleName(text)
        for one in (label, widget):
            one.setToolTip(help)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(label)
        line.addWidget(widget, 1)
        self._body.body.addLayout(line)
