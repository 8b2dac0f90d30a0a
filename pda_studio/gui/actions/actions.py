"""Everything the user can ask for by menu, toolbar or key."""

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QToolBar, QToolButton, QWidget

from pda_studio.gui.display.display import Theme
from pda_studio.gui.window.theme import ThemeKeeper

ANGLES = (-15, -10, -5, 5, 10, 15)
_TURNS = (
    "Ctrl+Shift+Left",
    "Alt+Shift+Left",
    "Alt+Left",
    "Alt+Right",
    "Alt+Shift+Right",
    "Ctrl+Shift+Right",
)


class Actions(QObject):
    """The window's actions, its menu bar and its toolbar."""

    def __init__(self, window: QMainWindow, theme: ThemeKeeper) -> None:
        super().__init__(window)
        self._window, self._theme = window, theme
        make = self._make
        keys = QKeySequence.StandardKey
        self.undo = make(self.tr("Undo"), "undo", keys.Undo)
        self.redo = make(self.tr("Redo"), "redo", keys.Redo)
        self.open_work = make(self.tr("Open work …"), None, "Ctrl+Alt+W")
        self.reopen = make(self.tr("Reopen last work"), None, "Ctrl+Shift+T")
        self.save_work = make(self.tr("Save work"), None, keys.Save)
        self.save_work_as = make(self.tr("Save work as …"), None, "Ctrl+Shift+S")
        self.open_image = make(self.tr("Open image …"), "image", keys.Open)
        self.open_folder = make(self.tr("Open folder …"), "folder", "Ctrl+Alt+F")
        self.draw_digit = make(self.tr("Draw a digit …"), "pen", "Ctrl+D")
        self.add_image = make(self.tr("Add image as a row …"), None, "Ctrl+Alt+O")
        self.open_weights = make(self.tr("Open weights …"), "classifier", "Ctrl+Shift+O")
        self.close_image = make(self.tr("Close image"), None, keys.Close)
        self.export_figure = make(self.tr("Export figure …"), "export", "Ctrl+E")
        self.export_map = make(self.tr("Save map …"), None, "Ctrl+Shift+E")
        self.screenshot = make(self.tr("Save image of the window …"), None, "F12")
        self.copy_map = make(self.tr("Copy map as an image"), None, keys.Copy)
        self.paste = make(self.tr("Paste image"), None, keys.Paste)
        self.previous = make(self.tr("Previous image in the folder"), None, "PgUp")
        self.next = make(self.tr("Next image in the folder"), None, "PgDown")
        self.quit = make(self.tr("Quit"), None, "Ctrl+Q")
        self.rotate_left = make(self.tr("Rotate left"), "rotate-left", "Ctrl+L")
        self.rotate_right = make(self.tr("Rotate right"), "rotate-right", "Ctrl+R")
        self.flip_horizontal = make(self.tr("Flip left–right"), "flip-horizontal", "Ctrl+H")
        self.flip_vertical = make(self.tr("Flip top–bottom"), "flip-vertical", "Ctrl+J")
        self.crop = make(self.tr("Crop"), "crop", "Ctrl+K")
        self.crop.setCheckable(True)
        self.crop.setToolTip(self.tr("Crop: drag a frame on the input image"))
        self.cut = make(self.tr("Remove region"), "remove-region", "Ctrl+Shift+K")
        self.cut.setCheckable(True)
        help = self.tr("Remove region: drag a rectangle in a panel to see the decision without it")
        keys_shown = self.cut.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        self.cut.setToolTip(f"{help} ({keys_shown})")
        tools = QActionGroup(self)  # a drag can mean one thing at a time
        tools.setExclusionPolicy(QActionGroup.ExclusionPolicy.ExclusiveOptional)
        tools.addAction(self.crop)
        tools.addAction(self.cut)
        self.reset = make(self.tr("Remove all variants"), "reset", "Ctrl+Backspace")
        self.turn = make(self.tr("Rotate by any angle …"), None, "Ctrl+Alt+R")
        self.turns = [
            make(self._turn_text(angle), None, key)
            for angle, key in zip(ANGLES, _TURNS, strict=True)
        ]
        self.ask_contrast = make(
            self.tr("Why this class rather than the next likeliest"), None, "Ctrl+Shift+D"
        )
        self.ask_unit = make(self.tr("Hidden unit …"), None, "Ctrl+U")
        self.top_classes = make(
            self.tr("Three likeliest classes before and after the softmax"), None, "Ctrl+T"
        )
        self.combine = make(self.tr("Add the mean of all columns"), None, "Ctrl+M")
        self.run = make(self.tr("Run"), "run", "F5")
        self.stop = make(self.tr("Stop"), "stop", "Esc")
        self.zoom_in = make(self.tr("Zoom in"), "zoom-in", keys.ZoomIn)
        self.zoom_out = make(self.tr("Zoom out"), "zoom-out", keys.ZoomOut)
        self.fit = make(self.tr("Fit to panels"), "fit", "Ctrl+0")
        self.one_to_one = make(self.tr("One pixel to one pixel"), None, "Ctrl+1")
        self.inspector = make(self.tr("Inspector"), None, "Ctrl+I")
        self.inspector.setCheckable(True)
        self.jobs = make(self.tr("Jobs"), None, "Ctrl+Shift+J")
        self.full_screen = make(self.tr("Full screen"), None, "F11")
        self.full_screen.setCheckable(True)
        self.find = make(self.tr("Find anything …"), None, "Ctrl+Shift+P")
        self.shortcuts = make(self.tr("Keys and gestures"), None, "F1")
        self.hints = make(self.tr("First steps"), None, "Ctrl+F1")
        self.about = make(self.tr("About PDA Studio"), None, "Shift+F1")
        self.themes = self._make_themes()
        self.recent_menu = QMenu(self.tr("Recent images"), window)
        self.classifiers_menu = QMenu(self.tr("Recent classifiers"), window)
        self.samples_menu = QMenu(self.tr("Sample digits"), window)
        self.methods_menu = QMenu(self.tr("Add method"), window)
        self.export_menu = QMenu(window)
        self._make_menus()
        self._make_toolbar()

    def _turn_text(self, angle: int) -> str:
        way = self.tr("clockwise") if angle > 0 else self.tr("counter-clockwise")
        return self.tr("Rotate {0}° {1}").format(abs(angle), way)

    def _make(self, text: str, icon: str | None, keys: QKeySequence.StandardKey | str) -> QAction:
        action = QAction(text, self._window)
        action.setShortcut(QKeySequence(keys))
        action.setToolTip(f"{text.removesuffix(' …')} ({shortcut(action)})")
        if icon is not None:
            self._theme.set_icon(action, icon)
        return action

    def _make_themes(self) -> dict[Theme, QAction]:
        group = QActionGroup(self)
        themes: dict[Theme, QAction] = {}
        titles: dict[Theme, tuple[str, str]] = {
            "system": (self.tr("Follow the system"), "Ctrl+B, S"),
            "light": (self.tr("Light"), "Ctrl+B, L"),
            "dark": (self.tr("Dark"), "Ctrl+B, D"),
        }
        for theme, (title, keys) in titles.items():
            action = self._make(title, None, keys)
            action.setCheckable(True)
            action.triggered.connect(lambda _=False, t=theme: self._theme.choose(t))
            action.setChecked(theme == self._theme.theme)
            group.addAction(action)
            themes[theme] = action
        return themes

    def _make_menus(self) -> None:
        bar = self._window.menuBar()
        file = bar.addMenu(self.tr("&File"))
        file.addAction(self.open_image)
        file.addActions([self.open_folder, self.paste, self.draw_digit, self.add_image])
        file.addSeparator()
        file.addActions([self.previous, self.next])
        file.addMenu(self.recent_menu)
        file.addMenu(self.samples_menu)
        file.addSeparator()
        file.addAction(self.open_weights)
        file.addMenu(self.classifiers_menu)
        file.addSeparator()
        file.addActions([self.open_work, self.reopen, self.save_work, self.save_work_as])
        file.addSeparator()
        file.addActions([self.export_figure, self.export_map, self.copy_map, self.screenshot])
        file.addSeparator()
        file.addAction(self.close_image)
        file.addAction(self.quit)
        bar.addMenu(self.tr("&Edit")).addActions([self.undo, self.redo])
        image = bar.addMenu(self.tr("&SourceImage"))
        image.addActions([self.rotate_left, self.rotate_right])
        small = image.addMenu(self.tr("Rotate by a small angle"))
        small.addActions(self.turns)
        image.addAction(self.turn)
        image.addActions([self.flip_horizontal, self.flip_vertical, self.crop, self.cut])
        image.addSeparator()
        image.addAction(self.reset)
        method = bar.addMenu(self.tr("&Method"))
        method.addMenu(self.methods_menu)
        method.addAction(self.combine)
        method.addSeparator()
        method.addActions([self.ask_contrast, self.ask_unit, self.top_classes])
        method.addSeparator()
        method.addActions([self.run, self.stop])
        view = bar.addMenu(self.tr("&View"))
        view.addAction(self.find)
        view.addSeparator()
        view.addActions([self.zoom_in, self.zoom_out, self.fit, self.one_to_one])
        view.addSeparator()
        view.addActions(list(self.themes.values()))
        view.addSeparator()
        view.addActions([self.inspector, self.jobs, self.full_screen])
        bar.addMenu(self.tr("&Help")).addActions([self.shortcuts, self.hints, self.about])
        self.export_menu.addActions([self.export_figure, self.export_map, self.copy_map])

    def _make_toolbar(self) -> None:
        bar = QToolBar(self.tr("Tools"), self._window)
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setFloatable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        bar.setIconSize(bar.iconSize().boundedTo(bar.iconSize().__class__(20, 20)))
        self.open_button = self._with_text(self.open_image, self.tr("Open"))
        bar.addWidget(self.open_button)
        bar.addSeparator()
        bar.addActions([self.undo, self.redo])
        bar.addSeparator()
        bar.addAction(self.rotate_left)
        rotate = QToolButton()
        rotate.setDefaultAction(self.rotate_right)
        rotate.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        turns = QMenu(rotate)
        turns.addActions([*self.turns, self.turn])
        rotate.setMenu(turns)
        bar.addWidget(rotate)
        bar.addActions([self.flip_horizontal, self.flip_vertical, self.crop, self.cut, self.reset])
        bar.addSeparator()
        bar.addActions([self.zoom_out, self.fit, self.zoom_in])
        bar.addSeparator()
        self.add_button = QToolButton()
        self.add_button.setText(self.tr("Add method"))
        self.add_button.setToolTip(self.tr("Put another method beside the others"))
        self._menu_button(self.add_button, "plus", self.methods_menu)
        bar.addWidget(self.add_button)
        space = QWidget()
        space.setSizePolicy(
            space.sizePolicy().Policy.Expanding, space.sizePolicy().Policy.Preferred
        )
        bar.addWidget(space)
        bar.addWidget(self._with_text(self.run, self.tr("Run")))
        bar.addWidget(self._with_text(self.stop, self.tr("Stop")))
        bar.addSeparator()
        self.export_button = QToolButton()
        self.export_button.setText(self.tr("Export"))
        self.export_button.setToolTip(
            self.tr("Export the figure; the arrow also saves and copies the map")
        )
        self._menu_button(self.export_button, "export", self.export_menu)
        self.export_button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.export_button.clicked.connect(self.export_figure.trigger)  # what most people want
        bar.addWidget(self.export_button)
        self._window.addToolBar(bar)
        self.toolbar = bar

    def _with_text(self, action: QAction, text: str) -> QToolButton:
        button = QToolButton()
        action.setIconText(text)
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        return button

    def _menu_button(self, button: QToolButton, icon: str, menu: QMenu) -> None:
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setMenu(menu)
        self._theme.set_icon(button, icon)


def shortcut(action: QAction) -> str:
    """An action's shortcut as people read it, or an empty text."""
    return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
