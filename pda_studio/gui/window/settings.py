"""What the window remembers from one start to the next."""

import json
from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

from PySide6.QtCore import QByteArray, QRect, QSettings, QStandardPaths

from pda_studio.document.workspace import ClassifierChoice
from pda_studio.errors import UsageError
from pda_studio.gui.display.display import Theme
from pda_studio.gui.inspector.inspection import Wanted
from pda_studio.reading import json_of
from pda_studio.rendering import Appearance

_MOST = 10


class Memory:
    """What is kept in QSettings: how the window and its maps look, and what was opened last."""

    def __init__(self, settings: QSettings) -> None:
        self._settings = settings
        recent = settings.value("recent", [])
        paths = recent if isinstance(recent, list) else [recent] if recent else []
        self.recent = [Path(str(path)) for path in paths][:_MOST]
        classifiers = settings.value("classifiers", [])
        texts = classifiers if isinstance(classifiers, list) else [classifiers]
        pairs = [str(text).partition("|") for text in texts if text]
        self.classifiers = [ClassifierChoice(name, weights or None) for name, _, weights in pairs]
        theme = str(settings.value("theme", "system"))
        self.theme: Theme = cast(Theme, theme) if theme in get_args(Theme) else "system"
        self.appearance = _appearance(str(settings.value("appearance", "{}")))
        self.figure = _object(str(settings.value("figure", "{}")))
        geometry = settings.value("geometry")
        self.geometry = geometry if isinstance(geometry, QRect) else None
        self.maximised = str(settings.value("maximised", "false")).lower() == "true"
        splitter = settings.value("splitter")
        self.splitter = splitter if isinstance(splitter, QByteArray) else None
        halves = settings.value("halves")
        self.halves = halves if isinstance(halves, QByteArray) else None
        self.inspector = _inspector(str(settings.value("inspector", "auto")))
        self.start_with_last = str(settings.value("start_with_last", "true")).lower() == "true"
        self.sides = str(settings.value("sides", "true")).lower() == "true"
        self.folder = str(settings.value("folder", "")) or _images()
        self.weights_folder = str(settings.value("weights_folder", "")) or self.folder
        self.hints_closed = str(settings.value("hints_closed", "")) == "yes"

    def add_image(self, path: Path) -> None:
        """Put an image at the head of the recent ones."""
        path = path.absolute()
        self.recent = [path, *(old for old in self.recent if old != path)][:_MOST]
        self.save()

    def add_classifier(self, choice: ClassifierChoice) -> None:
        """Put a classifier at the head of the recent ones."""
        choice = replace(choice, fit=None, crop=None)  # that belongs to the image
        others = [old for old in self.classifiers if old != choice]
        self.classifiers = [choice, *others][:_MOST]
        self.save()

    def _classifier_texts(self) -> list[str]:
        return [f"{choice.name}|{choice.weights or ''}" for choice in self.classifiers]

    def forget_image(self, path: Path) -> None:
        """Take an image that can no longer be read off the list."""
        self.recent = [old for old in self.recent if old != path]
        self.save()

    def note_folder(self, path: str) -> None:
        """Let the next dialog start in this file's folder."""
        self.folder = str(Path(path).parent)
        self.save()

    def note_weights_folder(self, path: str) -> None:
        """Let the next dialog for weights start in this file's folder: images lie elsewhere."""
        self.weights_folder = str(Path(path).parent)
        self.save()

    def save(self) -> None:
        """Write everything down."""
        for name, value in (
            ("recent", [str(path) for path in self.recent]),
            ("classifiers", self._classifier_texts()),
            ("theme", self.theme),
            ("appearance", json.dumps(self.appearance.as_json())),
            ("figure", json.dumps(self.figure)),
            ("geometry", self.geometry),
            ("maximised", self.maximised),
            ("splitter", self.splitter),
            ("halves", self.halves),
            ("inspector", self.inspector),
            ("start_with_last", self.start_with_last),
            ("sides", self.sides),
            ("folder", self.folder),
            ("weights_folder", self.weights_folder),
            ("hints_closed", "yes" if self.hints_closed else None),
        ):
            if value is not None:
                self._settings.setValue(name, value)
        self._settings.sync()


def _images() -> str:
    """Where people keep their images; from a menu, a program starts anywhere."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    return place if Path(place).is_dir() else str(Path.home())


def _inspector(text: str) -> Wanted:
    """What was written down; programs before wrote whether it was open, which it was at first."""
    if text in get_args(Wanted):
        return cast(Wanted, text)
    return "closed" if text.lower() == "false" else "auto"


def _appearance(text: str) -> Appearance:
    """What was written down; the usual one where that cannot be read."""
    try:
        return Appearance.from_json(json_of(text))
    except (ValueError, UsageError):
        return Appearance()


def _object(text: str) -> dict[str, object]:
    """What was written down as JSON; nothing where that cannot be read."""
    try:
        value = json_of(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
