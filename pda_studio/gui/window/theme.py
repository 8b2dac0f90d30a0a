"""Light and dark: two palettes, one style sheet, and icons in the colour of the text."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QGuiApplication,
    QIcon,
    QPainter,
    QPalette,
    QPixmap,
    QPixmapCache,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication

from pda_studio.gui.display.display import Theme

_ICONS = files("pda_studio.resources") / "icons"
_LIGHT = {
    "window": "#f3f3f4",
    "surface": "#ffffff",
    "raised": "#fbfbfc",
    "grid": "#e9e9eb",
    "line": "#d3d4d8",
    "text": "#1d1e22",
    "muted": "#62656d",
    "disabled": "#a2a5ad",
    "accent": "#3d5a80",
    "on_accent": "#ffffff",
    "refusal": "#a8321f",
    "warning": "#fff3d6",
    "warning_line": "#e3b341",
    "tick": "tick-light",
}
_DARK = {
    "window": "#232427",
    "surface": "#1b1c1f",
    "raised": "#2d2e33",
    "grid": "#18191b",
    "line": "#3d3f45",
    "text": "#e8e8ea",
    "muted": "#a0a3ab",
    "disabled": "#686b73",
    "accent": "#8fb1dd",
    "on_accent": "#15171b",
    "refusal": "#ef8e7d",
    "warning": "#3d3318",
    "warning_line": "#a8832a",
    "tick": "tick-dark",
}


_STYLED = "pda_studio_styled"
"""Property of an application whose style was set: setting it polishes every widget anew."""


class ThemeKeeper(QObject):
    """Keeps palette, style sheet and icons in step with the system or with the user's choice."""

    changed = Signal()

    def __init__(self, application: QApplication) -> None:
        super().__init__()
        self._application = application
        self._theme: Theme = "system"
        self._icons: list[tuple[QAction | QAbstractButton, str]] = []
        self._styled = bool(application.styleSheet())  # by another window
        if application.property(_STYLED) is None:
            application.setStyle("Fusion")
            application.setProperty(_STYLED, True)
        application.styleHints().colorSchemeChanged.connect(self._apply)
        self._apply()

    @property
    def theme(self) -> Theme:
        """What the user chose."""
        return self._theme

    def choose(self, theme: Theme) -> None:
        """Follow the system, or always be light or dark."""
        self._theme = theme
        schemes = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
        hints = self._application.styleHints()
        hints.setColorScheme(schemes.get(theme, Qt.ColorScheme.Unknown))
        self._apply()  # some platforms cannot be told, and say nothing

    def style(self) -> None:
        """Give the style sheet to all widgets that are there, and to those made from now on.

        Until a window has all its widgets they go without: one after the other, each time that it
        finds its parent, they would be polished again and again.
        """
        if not self._styled:
            self._styled = True
            self._colour()

    def set_icon(self, owner: QAction | QAbstractButton, name: str) -> None:
        """Give an action or button an icon that follows the theme."""
        self._icons = [(old, n) for old, n in self._icons if old is not owner]
        self._icons.append((owner, name))
        owner.setIcon(icon(name))
        owner.destroyed.connect(self._forget)

    def _forget(self) -> None:
        import shiboken6

        self._icons = [(owner, name) for owner, name in self._icons if shiboken6.isValid(owner)]

    def _apply(self) -> None:
        self._colour()
        for owner, name in self._icons:
            owner.setIcon(icon(name))
        self.changed.emit()

    def _colour(self) -> None:
        dark = self._theme == "dark"
        if self._theme == "system":
            dark = self._application.styleHints().colorScheme() == Qt.ColorScheme.Dark
        colours = _DARK if dark else _LIGHT
        sheet = _style_sheet(colours) if self._styled else ""
        if not sheet or sheet != self._application.styleSheet():  # else all is polished for nothing
            self._application.setPalette(_palette(colours))
            self._application.setStyleSheet(sheet)


def icon(name: str) -> QIcon:
    """An icon of the program in the palette's colours."""
    palette = QGuiApplication.palette()
    result = QIcon()
    for mode, group in (
        (QIcon.Mode.Normal, QPalette.ColorGroup.Active),
        (QIcon.Mode.Disabled, QPalette.ColorGroup.Disabled),
    ):
        colour = palette.color(group, QPalette.ColorRole.ButtonText)
        for ratio in (1, 2, 3):
            result.addPixmap(pixmap(name, colour, 20, ratio), mode)
    return result


def pixmap(name: str, colour: QColor, side: int, ratio: float = 1) -> QPixmap:
    """Draw an icon in a colour, once for all buttons; `side` in logical pixels."""
    # Qt keeps it, and forgets it with the application: a picture must not outlive that.
    key = f"pda-studio {name} {colour.name()} {side} {ratio}"
    result = QPixmap()
    if QPixmapCache.find(key, result):
        return result
    source = _drawing(name).replace("currentColor", colour.name())
    renderer = QSvgRenderer(QByteArray(source.encode()))
    result = QPixmap(QSize(round(side * ratio), round(side * ratio)))
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    renderer.render(painter, QRectF(result.rect()))
    painter.end()
    result.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, result)
    return result


@cache
def _drawing(name: str) -> str:
    """An icon's SVG: read once, though it is drawn in several colours and sizes."""
    return (_ICONS / f"{name}.svg").read_text("utf-8")


def _path(name: str) -> str:
    """Where an icon lies, as style sheets take it."""
    return (Path(str(_ICONS)) / f"{name}.svg").as_posix()


def _palette(colours: dict[str, str]) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for name, roles in {
        "window": (role.Window,),
        "surface": (role.Base,),
        "raised": (role.Button, role.AlternateBase, role.ToolTipBase),
        "text": (role.WindowText, role.Text, role.ButtonText, role.ToolTipText),
        "muted": (role.PlaceholderText,),
        "accent": (role.Highlight, role.Link, role.Accent),
        "on_accent": (role.HighlightedText,),
        "line": (role.Mid,),
        "grid": (role.Dark,),
    }.items():
        for one in roles:
            palette.setColor(one, QColor(colours[name]))
    for one in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, one, QColor(colours["disabled"]))
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(colours["line"]))
    return palette


def _style_sheet(c: dict[str, str]) -> str:
    return f"""
    QMainWindow::separator {{ width: 0; height: 0; }}
    QToolBar {{ border: 0; border-bottom: 1px solid {c["line"]}; padding: 4px 8px; spacing: 2px;
        background: {c["window"]}; }}
    QToolBar::separator {{ width: 1px; margin: 5px 7px; background: {c["line"]}; }}
    QToolBar QToolButton {{ padding: 5px 7px; border-radius: 5px; border: 0; }}
    QToolBar QToolButton:hover {{ background: {c["line"]}; }}
    QToolBar QToolButton:pressed, QToolBar QToolButton:checked {{ background: {c["line"]}; }}
    QToolBar QToolButton::menu-indicator {{ image: none; }}
    QToolBar QToolButton[popupMode="1"] {{ padding-right: 16px; }}
    QToolBar QToolButton::menu-button {{ border: 0; width: 14px; border-radius: 4px; }}
    QToolBar QToolButton::menu-button:hover {{ background: {c["grid"]}; }}
    QToolBar QToolButton:focus, QToolButton#plain:focus {{ border: 1px solid {c["accent"]};
        background: {c["raised"]}; }}
    QToolBar QToolButton:focus {{ padding: 4px 6px; }}
    QToolBar QToolButton[popupMode="1"]:focus {{ padding-right: 15px; }}
    QToolButton#plain:focus {{ padding: 1px; }}
    QToolButton#segment {{ border: 1px solid {c["line"]}; border-radius: 4px; padding: 3px 4px;
        background: {c["raised"]}; }}
    QToolButton#segment:hover {{ border-color: {c["disabled"]}; }}
    QToolButton#segment:checked {{ border-color: {c["accent"]}; background: {c["line"]}; }}
    QToolButton#segment:focus {{ border-color: {c["accent"]}; background: {c["raised"]}; }}
    QToolButton#plain {{ border: 0; border-radius: 4px; padding: 2px; }}
    QToolButton#plain:hover {{ background: {c["line"]}; }}
    QToolButton#chip {{ border: 1px solid {c["line"]}; border-radius: 8px; padding: 0 7px;
        font-size: 11px; color: {c["muted"]}; background: transparent; }}
    QToolButton#chip:hover {{ border-color: {c["disabled"]}; }}
    QToolButton#chip:checked {{ border-color: {c["accent"]}; color: {c["accent"]}; }}
    QStatusBar {{ border-top: 1px solid {c["line"]}; background: {c["window"]}; }}
    QStatusBar::item {{ border: 0; }}
    QSplitter::handle {{ background: {c["line"]}; }}
    QScrollArea#side, QWidget#side {{ background: {c["window"]}; border: 0; }}
    QScrollArea#grid, QWidget#grid {{ background: {c["grid"]}; border: 0; }}
    QScrollBar:vertical {{ width: 10px; background: transparent; margin: 0; border: 0; }}
    QScrollBar:horizontal {{ height: 10px; background: transparent; margin: 0; border: 0; }}
    QScrollBar::handle {{ background: {c["line"]}; border-radius: 3px; margin: 2px; }}
    QScrollBar::handle:hover {{ background: {c["disabled"]}; }}
    QScrollBar::handle:vertical {{ min-height: 28px; }}
    QScrollBar::handle:horizontal {{ min-width: 28px; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QListView#bare {{ background: transparent; }}
    QListView#choices {{ background: {c["surface"]}; border: 1px solid {c["line"]};
        padding: 4px; outline: 0; }}
    QListView#choices::item {{ min-height: 24px; padding: 0 8px; border-radius: 4px; }}
    QListView#choices::item:selected, QListView#choices::item:hover {{
        background: {c["accent"]}; color: {c["on_accent"]}; }}
    QLabel#section {{ font-weight: 600; }}
    QLabel#heading {{ font-weight: 600; padding: 7px 10px 2px 10px; }}
    QLabel#muted, QLabel#caption {{ color: {c["muted"]}; }}
    QLabel#title {{ font-weight: 600; }}
    QLabel#badge {{ color: {c["accent"]}; border: 1px solid {c["accent"]}; border-radius: 4px;
        padding: 0 5px; font-size: 11px; }}
    QLabel#refusal {{ color: {c["refusal"]}; }}
    QLabel#hero {{ font-weight: 600; font-size: 20px; }}
    QFrame#rule {{ background: {c["line"]}; border: 0; max-height: 1px; min-height: 1px; }}
    QFrame#banner {{ background: {c["warning"]}; border: 0;
        border-bottom: 1px solid {c["warning_line"]}; }}
    QFrame#notice {{ background: {c["raised"]}; border: 0; border-bottom: 1px solid {c["line"]}; }}
    QFrame#hints {{ background: {c["raised"]}; border: 0; border-bottom: 1px solid {c["line"]}; }}
    QLabel#number {{ color: {c["accent"]}; border: 1px solid {c["accent"]}; border-radius: 11px;
        font-weight: 600; }}
    QFrame#palette {{ background: {c["window"]}; border: 1px solid {c["line"]};
        border-radius: 10px; }}
    QLineEdit#search {{ background: {c["surface"]}; border: 1px solid {c["line"]};
        border-radius: 6px; padding: 6px 8px; selection-background-color: {c["accent"]}; }}
    QLineEdit#search:focus {{ border-color: {c["accent"]}; }}
    QFrame#job {{ background: {c["window"]}; border: 0; border-bottom: 1px solid {c["line"]}; }}
    QFrame#drop {{ border: 2px dashed {c["line"]}; border-radius: 14px; }}
    QPushButton#offer {{ border: 0; background: transparent; color: {c["accent"]}; padding: 0; }}
    QPushButton#offer:hover {{ text-decoration: underline; }}
    QPushButton#link {{ border: 0; background: transparent; color: {c["accent"]}; padding: 1px 0;
        text-align: left; }}
    QPushButton#link:focus {{ text-decoration: underline; }}
    QPushButton#link:hover {{ text-decoration: underline; }}
    QCheckBox::indicator, QAbstractItemView::indicator {{ width: 13px; height: 13px;
        border: 1px solid {c["muted"]}; border-radius: 3px; background: {c["surface"]}; }}
    QAbstractItemView::indicator {{ width: 10px; height: 10px; }}
    QCheckBox::indicator:hover, QCheckBox::indicator:focus, QAbstractItemView::indicator:hover {{
        border-color: {c["accent"]}; }}
    QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {{
        border-color: {c["accent"]}; background: {c["accent"]};
        image: url("{_path(c["tick"])}"); }}
    QCheckBox::indicator:disabled, QAbstractItemView::indicator:disabled {{
        border-color: {c["disabled"]}; background: {c["window"]}; }}
    QCheckBox::indicator:checked:disabled, QAbstractItemView::indicator:checked:disabled {{
        background: {c["disabled"]}; }}
    QToolTip {{ color: {c["text"]}; background: {c["raised"]}; border: 1px solid {c["line"]};
        padding: 4px; }}
    """
