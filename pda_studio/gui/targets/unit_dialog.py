"""Chooses a hidden unit: a layer from the network's tree, one of its strongest maps, a place."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QTreeWidgetItemIterator,
    QVBoxLayout,
    QWidget,
)

from pda_studio.gui.graphs import pg
from pda_studio.gui.targets.units import LayerMaps, UnitLayer
from pda_studio.gui.window import numbers as words
from pda_studio.gui.window.pixmaps import image_of
from pda_studio.gui.window.style_names import named
from pda_studio.targets import UnitTarget

_NAME = Qt.ItemDataRole.UserRole
_THUMBNAIL = 72
_LARGE = 240
_SIZE = (1000, 640)


class UnitDialog(QDialog):
    """Shows the layers and their strongest maps; what is chosen becomes the target."""

    layer_wanted = Signal(str)
    """The strongest maps of a layer are to be shown."""
    chosen = Signal(object, bool)
    """A UnitTarget, and whether it is for a new column rather than for all."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Hidden units"))
        self.resize(*_SIZE)
        self._maps: LayerMaps | None = None
        self._view: NDArray[np.uint8] | None = None
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(self.tr("Search layers"))
        self.filter.setAccessibleName(self.tr("Search layers"))
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._on_filter)
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels([self.tr("Layer"), self.tr("Kind"), self.tr("Shape")])
        self.tree.setAccessibleName(self.tr("Layers of the network"))
        self.tree.setUniformRowHeights(True)
        self.tree.setIndentation(12)
        self.tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.tree.currentItemChanged.connect(self._on_layer)
        self.heading = named(QLabel(), "title")
        self.about = named(QLabel(self.tr("Choose a layer on the left.")), "muted")
        self.about.setWordWrap(True)
        self.thumbnails = QListWidget()
        self.thumbnails.setViewMode(QListView.ViewMode.IconMode)
        self.thumbnails.setResizeMode(QListView.ResizeMode.Adjust)
        self.thumbnails.setMovement(QListView.Movement.Static)
        self.thumbnails.setIconSize(QSize(_THUMBNAIL, _THUMBNAIL))
        self.thumbnails.setGridSize(QSize(_THUMBNAIL + 14, _THUMBNAIL + 28))
        self.thumbnails.setUniformItemSizes(True)
        self.thumbnails.setAccessibleName(self.tr("Strongest maps of the layer"))
        self.thumbnails.currentRowChanged.connect(self._on_map)
        self.place = _Place()
        self.place.changed.connect(self._show_chosen)
        self.whole = QPushButton(self.tr("Whole map"))
        self.whole.setToolTip(self.tr("Explain the mean of the map instead of one place of it"))
        self.whole.clicked.connect(lambda: self.place.choose(None))
        self.name = named(QLabel(), "muted")
        self.name.setWordWrap(True)
        self.explain_button = QPushButton(self.tr("Explain"))
        self.explain_button.setToolTip(self.tr("In all columns that have no target of their own"))
        self.explain_button.clicked.connect(lambda: self._choose(False))
        self.ask_beside = QPushButton(self.tr("Ask in a new column"))
        self.ask_beside.setDefault(True)
        self.ask_beside.clicked.connect(lambda: self._choose(True))
        self._lay_out()
        self._show_chosen()

    def _lay_out(self) -> None:
        left = QWidget()
        layers = QVBoxLayout(left)
        layers.setContentsMargins(0, 0, 8, 0)
        layers.addWidget(self.filter)
        layers.addWidget(self.tree, 1)
        middle = QWidget()
        maps = QVBoxLayout(middle)
        maps.setContentsMargins(8, 0, 8, 0)
        maps.addWidget(self.heading)
        maps.addWidget(self.about)
        maps.addWidget(self.thumbnails, 1)
        right = QWidget()
        right.setFixedWidth(_LARGE + 16)
        unit = QVBoxLayout(right)
        unit.setContentsMargins(8, 0, 8, 0)
        unit.addWidget(named(QLabel(self.tr("Where on the image")), "title"))
        unit.addWidget(self.place)
        unit.addWidget(self.name)
        unit.addWidget(self.whole)
        unit.addStretch(1)
        unit.addWidget(self.explain_button)
        unit.addWidget(self.ask_beside)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setChildrenCollapsible(False)
        for widget in (left, middle, right):
            splitter.addWidget(widget)
        splitter.setSizes([340, 400, _LARGE])
        whole = QHBoxLayout(self)
        whole.setContentsMargins(14, 14, 14, 14)
        whole.addWidget(splitter)

    def show_layers(self, classifier: str, layers: list[UnitLayer]) -> None:
        """Show a network's layers as a tree; those inside a block stand below it."""
        self.setWindowTitle(self.tr("Hidden units of {0}").format(classifier))
        self.tree.clear()
        known = {layer.name: layer for layer in layers}
        items: dict[str, QTreeWidgetItem] = {}
        order = sorted(known, key=lambda name: _first_use(name, list(known)))
        for name in order:
            layer = known[name]
            parent = _item_of(items, self.tree, name.rpartition(".")[0])
            text = name.rpartition(".")[2]
            shape = " × ".join(map(str, layer.shape))
            if name in items:
                item = items[name]
            else:
                item = QTreeWidgetItem(parent) if parent else QTreeWidgetItem(self.tree)
                items[name] = item
            for column, value in enumerate((text, layer.kind, shape)):
                item.setText(column, value)
            item.setData(0, _NAME, name)
            item.setToolTip(0, name)
        self.tree.expandAll()
        wide = (name for name in reversed(order) if known[name].shape[1:2] > (1,))
        wanted = next(wide, None)
        if wanted is not None:
            self.tree.setCurrentItem(items[wanted])
            self.tree.scrollToItem(items[wanted])

    def show_maps(self, maps: LayerMaps, view: NDArray[np.uint8]) -> None:
        """Show a layer's strongest maps for an image, as the network sees it (H, W, 3)."""
        if self._wanted() != maps.layer:
            return
        self._maps, self._view = maps, view
        self.heading.setText(maps.layer)
        strongest = self.tr("Its {0} strongest maps of {1} for this image, by their mean.")
        self.about.setText(strongest.format(len(maps.channels), maps.total))
        self.thumbnails.clear()
        for channel, mean, one in zip(maps.channels, maps.means, maps.maps, strict=True):
            icon = QIcon(QPixmap.fromImage(_coloured(one, _THUMBNAIL)))
            text = f"{channel} · {words.signed(float(mean), max(abs(float(mean)), 1e-3), '')}"
            item = QListWidgetItem(icon, text)
            item.setToolTip(self.tr("Map {0}, mean {1:.3g}").format(channel, mean))
            self.thumbnails.addItem(item)
        self.thumbnails.setCurrentRow(0)

    def target(self) -> UnitTarget | None:
        """What is chosen."""
        row = self.thumbnails.currentRow()
        if self._maps is None or not 0 <= row < len(self._maps.channels):
            return None
        channel, cell = int(self._maps.channels[row]), self.place.cell
        if cell is None:
            return UnitTarget(self._maps.layer, channel)
        return UnitTarget(self._maps.layer, channel, *cell)

    def _wanted(self) -> str:
        item = self.tree.currentItem()
        return str(item.data(0, _NAME) or "") if item else ""

    def _on_filter(self, text: str) -> None:
        text = text.strip().lower()
        walk = QTreeWidgetItemIterator(self.tree)
        while walk.value():
            item = walk.value()
            item.setHidden(bool(text) and not _holds(item, text))
            walk += 1

    def _on_layer(self, item: QTreeWidgetItem | None, _: object = None) -> None:
        name = self._wanted()
        if item is not None and name:
            self.layer_wanted.emit(name)

    def _on_map(self, row: int) -> None:
        if self._maps is not None and self._view is not None and row >= 0:
            self.place.show_map(self._maps.maps[row], self._view)
        self._show_chosen()

    def _show_chosen(self) -> None:
        target = self.target()
        for button in (self.explain_button, self.ask_beside):
            button.setEnabled(target is not None)
        cell = self.place.cell
        self.whole.setEnabled(cell is not None)
        if target is None:
            self.name.setText("")
        elif cell is None:
            self.name.setText(
                self.tr("The mean of map {0}. Click a place to explain that unit alone.").format(
                    target.channel
                )
            )
        else:
            self.name.setText(self.tr("Map {0}, row {1}, column {2}").format(target.channel, *cell))

    def _choose(self, beside: bool) -> None:
        target = self.target()
        if target is not None:
            self.chosen.emit(target, beside)


class _Place(QWidget):
    """A map over the grey image; a click chooses one of its places."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(_LARGE, _LARGE)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName(self.tr("The map over the image: click a place"))
        self._image: QImage | None = None
        self._shape = 1, 1
        self.cell: tuple[int, int] | None = None

    def show_map(self, values: NDArray[np.float32], view: NDArray[np.uint8]) -> None:
        """Show a map (H, W) over an image."""
        self._shape = values.shape[0], values.shape[1]
        self._image = _over(values, view)
        self.choose(None)

    def choose(self, cell: tuple[int, int] | None) -> None:
        """Choose a place, row and column, or the whole map."""
        self.cell = cell if self._shape != (1, 1) else None
        self.update()
        self.changed.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the place that is clicked."""
        rows, columns = self._shape
        at = event.position()
        row = min(max(int(at.y() / self.height() * rows), 0), rows - 1)
        column = min(max(int(at.x() / self.width() * columns), 0), columns - 1)
        if self._image is not None:
            self.choose((row, column))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the map and what is chosen."""
        painter = QPainter(self)
        if self._image is None:
            painter.fillRect(self.rect(), self.palette().alternateBase())
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(self.rect()), self._image)
        if self.cell is not None:
            rows, columns = self._shape
            width, height = self.width() / columns, self.height() / rows
            corner = QPointF(self.cell[1] * width, self.cell[0] * height)
            box = QRectF(corner, corner + QPointF(width, height))
            for colour, pen in ((QColor(255, 255, 255), 3.0), (QColor(20, 20, 20), 1.0)):
                painter.setPen(QPen(colour, pen))
                painter.drawRect(box)


def _strength(values: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = float(min(values.min(), 0.0)), float(values.max())
    spread = high - low
    scaled: NDArray[np.float32] = (values - low) / (spread if spread > 0 else 1.0)
    return scaled


def _coloured(values: NDArray[np.float32], side: int) -> QImage:
    table = pg.colormap.get("viridis").getLookupTable(nPts=256)
    index = np.rint(255 * _strength(values)).astype(np.uint8)
    return image_of(table[index][..., :3].astype(np.uint8)).scaled(side, side)


def _over(values: NDArray[np.float32], view: NDArray[np.uint8]) -> QImage:
    """Lay a map over an image in grey: the weaker, the darker."""
    height, width = view.shape[:2]
    rows = np.minimum(np.arange(height) * values.shape[0] // height, values.shape[0] - 1)
    columns = np.minimum(np.arange(width) * values.shape[1] // width, values.shape[1] - 1)
    strength = _strength(values)[np.ix_(rows, columns)]
    grey = view.mean(2, keepdims=True) * (0.25 + 0.75 * strength[..., None])
    tint = np.array((1.0, 0.92, 0.72)) * strength[..., None] + (1 - strength[..., None])
    return image_of(np.rint(grey * tint).clip(0, 255).astype(np.uint8))


def _item_of(
    items: dict[str, QTreeWidgetItem], tree: QTreeWidget, name: str
) -> QTreeWidgetItem | None:
    """The item of a block, made if it is not there yet; None of the network itself."""
    if not name:
        return None
    if name not in items:
        parent = _item_of(items, tree, name.rpartition(".")[0])
        items[name] = QTreeWidgetItem(parent) if parent else QTreeWidgetItem(tree)
        items[name].setText(0, name.rpartition(".")[2])
    return items[name]


def _first_use(name: str, names: list[str]) -> tuple[int, int]:
    """Where a layer, or the first layer inside it, comes; a block before what is inside it."""
    inside = [at for at, other in enumerate(names) if other == name or other.startswith(f"{name}.")]
    return min(inside), name.count(".")


def _holds(item: QTreeWidgetItem | None, text: str) -> bool:
    if item is None:
        return False
    if text in str(item.data(0, _NAME) or "").lower() or text in item.text(1).lower():
        return True
    return any(_holds(item.child(at), text) for at in range(item.childCount()))
