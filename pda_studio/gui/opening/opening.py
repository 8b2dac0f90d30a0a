"""Opening images and classifiers in the background; the old ones stay until the new are there."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from pda_studio.document.workspace import About, ClassifierChoice, SourceImage
from pda_studio.errors import PdaStudioError
from pda_studio.gui.jobs.job import Job
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.session.session import Session
from pda_studio.images import Image, Pixels
from pda_studio.images.fit import Fit

WEIGHTS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar", ".index.json")
NETWORKS = (".onnx", ".pt2", ".ts", ".torchscript", ".py", "config.json")
"""How files end that hold a whole network, or say which files do."""

FOREIGN = (
    ".keras", ".h5", ".hdf5", ".pb", ".tflite", ".msgpack", ".mlmodel", ".mlpackage",
    ".caffemodel", ".pdmodel", ".pdparams",
)  # fmt: skip
"""How networks of other programs end, which are told the way to ONNX."""

_IN_FOLDERS = ("config.json", "saved_model.pb")

FIRST_SAMPLE = "1"


class Opening(QObject):
    """Reads images and loads classifiers, one at a time."""

    image_opened = Signal(object)
    image_chosen = Signal(object)
    """An image that was opened by itself, and not walked past."""
    loading = Signal(str, float)
    """What is being loaded, and which part of it is done (below 0: unknown)."""
    loaded = Signal()
    refused = Signal(object, str)
    """A ClassifierChoice that cannot be loaded, and why."""
    failed = Signal(object, str)
    fit_refused = Signal()
    """The open network cannot get images so; the one before stays."""
    trust_wanted = Signal(object, object)
    """A ClassifierChoice whose file must be run to be opened, and the NeedsTrust that says so."""
    unsure = Signal()
    """The classifier that was opened is only the likeliest that its weights fit."""
    engine_ready = Signal(list)
    """The names of all classifiers."""
    described = Signal(object)

    def __init__(self, session: Session, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._jobs = jobs
        self._newest = 0
        self._loading: Job | None = None
        self._replaces = False
        self._choice: ClassifierChoice | None = None
        self.names: list[str] = []
        """Of all classifiers, once the engine is there."""

    @property
    def choice(self) -> ClassifierChoice | None:
        """The classifier that is being loaded, or else the one that is open."""
        return self._choice or self._session.work.classifier

    @property
    def busy(self) -> bool:
        """Whether a classifier is being loaded."""
        return self._loading is not None

    def start_engine(self) -> None:
        """Import the engine, which takes seconds, and name its classifiers."""

        def done(names: list[str]) -> None:
            self.names = names
            self.engine_ready.emit(names)

        self._jobs.start_short(_engine, done, self.failed.emit)

    def open_image(self, path: Path, *, chosen: bool = True) -> None:
        """Read an image; of several, the one asked for last is shown.

        Parameters
        ----------
        path : Path
            Its file.
        chosen : bool
            Whether it was chosen by itself; among the recent images are no others.
        """
        self._open(lambda: read_image(path), chosen)

    def open_pixels(self, name: str, pixels: Callable[[], Pixels | Image]) -> None:
        """Show an image that is no file; `pixels` makes it in the background."""
        self._open(lambda: SourceImage.of(name, pixels()))

    def _open(self, read: Callable[[], SourceImage], chosen: bool = True) -> None:
        self._newest += 1
        number = self._newest

        def done(image: SourceImage) -> None:
            if number == self._newest:
                self._session.open_image(image)
                self.image_opened.emit(image)
                if chosen:
                    self.image_chosen.emit(image)

        self._jobs.read(read, done, self.failed.emit)

    def add_image(self, path: Path) -> None:
        """Read an image and put it below the others."""

        def done(image: SourceImage) -> None:
            self._session.rows.add_image(image)

        self._jobs.read(lambda: read_image(path), done, self.failed.emit)

    def describe(self, name: str) -> None:
        """Find out what loading a classifier would take."""
        self._jobs.read(lambda: _about(name), self.described.emit, self.failed.emit)

    def use_classifier(self, choice: ClassifierChoice) -> None:
        """Load a classifier and put it in the open one's place, with its download if need be."""
        if self._loading is not None:
            self._loading.cancel()
        self._replaces = True
        self._load(choice, self._session.use_classifier)

    def open_classifier(self, path: Path, wanted: str = "") -> None:
        """Open a file of weights or a whole network, and put it in the open classifier's place.

        Parameters
        ----------
        path : Path
            What it holds decides which network it is.
        wanted : str
            The network that weights were chosen for: taken where they fit it.
        """
        if self._loading is not None:
            self._loading.cancel()
        self._replaces = True

        def use(choice: ClassifierChoice, classifier: Any) -> None:
            self._session.use_classifier(choice, classifier)
            if choice.is_file and classifier.fits is not None and not classifier.fits.sure:
                self.unsure.emit()

        self._load(ClassifierChoice(str(path.absolute())), use, lambda: _choice_of(path, wanted))

    def open_file(self, path: Path) -> None:
        """Open the classifier that a file holds by itself, with the answers beside it."""
        self.use_classifier(ClassifierChoice(str(path.absolute())))

    def find_choice(self, path: Path, use: Callable[[ClassifierChoice], None]) -> None:
        """Find out what a file is taken as, in the background."""
        self._jobs.read(lambda: _choice_of(path, ""), use, self.failed.emit)

    def fetch(self, choice: ClassifierChoice) -> None:
        """Load a classifier that the work asks for; one at a time, the others are asked again."""
        if self._loading is None:
            self._replaces = False
            known = self._session.classifiers.items()
            same = next((one for other, one in known if other.network == choice.network), None)
            self._load(choice, self._session.put_classifier, same=same)

    def _load(
        self,
        choice: ClassifierChoice,
        use: Callable[[ClassifierChoice, Any], None],
        found: Callable[[], ClassifierChoice] | None = None,
        same: Any = None,
    ) -> None:
        """Load a choice; or what is found instead, if that can be loaded.

        `same` is the network with another model input, where that is loaded.
        """

        def steps() -> Generator[Any, None, Any]:
            from pda_studio.classifiers import loading

            if same is not None:
                return choice, same.with_fit(choice.fit, choice.crop)
            loaded = found() if found is not None else choice
            try:
                classifier = yield from loading(loaded.name, loaded.weights)
            except PdaStudioError:
                if loaded == choice:
                    raise
                loaded, classifier = choice, (yield from loading(choice.name))
            classifier = classifier.with_fit(loaded.fit, loaded.crop)
            _ = classifier.fingerprint  # reads all weights: here, not in the window's thread
            return loaded, classifier

        def done(answer: tuple[ClassifierChoice, Any]) -> None:
            self._loading = self._choice = None
            use(*answer)
            self.loaded.emit()

        def failed(error: BaseException, details: str) -> None:
            self._loading = self._choice = None
            self.refused.emit(choice, str(error))
            self.loaded.emit()
            if hasattr(error, "what"):  # a NeedsTrust, which the engine declares
                self.trust_wanted.emit(choice, error)
            else:
                self.failed.emit(error, details)

        def partial(download: Any) -> None:
            part = download.done / download.total if download.total else -1.0
            self.loading.emit(choice.title, part)

        self._choice = choice
        self._loading = self._jobs.start(Job(steps, done, failed, partial))
        self.loading.emit(choice.title, -1.0)

    def use_fit(self, fit: Fit) -> None:
        """Let the open classifier get images in another way: its network is there already."""
        choice = self._session.work.classifier
        loaded = self._session.classifier
        if choice is None or loaded is None:
            return
        if (loaded.preprocessing.fit, loaded.preprocessing.crop) == (fit, None):
            return

        def other() -> Any:
            return loaded.with_fit(fit)  # at full resolution the network is tried

        def done(made: Any) -> None:
            if self._session.work.classifier == choice:
                other = replace(choice, fit=fit, crop=None)
                self._session.model_inputs.use(other, made)

        def failed(error: BaseException, details: str) -> None:
            self.fit_refused.emit()
            self.failed.emit(error, details)

        self._jobs.read(other, done, failed)

    def give_way(self) -> int:
        """Put nothing that is still being read in the place of a workspace that is opened.

        Returns
        -------
        int
            A number for `is_newest`.
        """
        self._newest += 1
        if self._loading is not None and self._replaces:
            self._loading.cancel()
            self._loading = self._choice = None
            self.loaded.emit()
        return self._newest

    def is_newest(self, number: int) -> bool:
        """Whether nothing else was opened since `give_way` gave this number."""
        return number == self._newest

    def stop(self) -> None:
        """Let go of a download; the open classifier stays."""
        if self._loading is not None:
            self._loading.cancel()
            choice, self._loading, self._choice = self._choice, None, None
            self.refused.emit(choice, self.tr("Loading was stopped; press Run to try again."))
            self.loaded.emit()


def is_classifier(path: Path) -> bool:
    """Whether a file or folder is to be opened as a classifier, rather than as an image."""
    if path.is_dir():
        return any((path / name).is_file() for name in _IN_FOLDERS)
    return path.name.lower().endswith(WEIGHTS + NETWORKS + FOREIGN)


def read_image(path: Path) -> SourceImage:
    """Read an image with its digest."""
    from pda_studio import images

    return SourceImage.of(path.name, images.read_image(path), path)


def sample_digits() -> list[Path]:
    """The digits that come with the program."""
    folder = Path(str(files("pda_studio.resources"))) / "digits" / "samples"
    return sorted(folder.glob("*.png"))


def _choice_of(path: Path, wanted: str) -> ClassifierChoice:
    from pda_studio.gui.opening.choosing import choice_of

    return choice_of(path, wanted)


def _engine() -> list[str]:
    import torch

    import pda_studio.methods  # noqa: F401
    from pda_studio.classifiers.index import names_of_torchvision

    # Of three cores or more, one is the window's: PyTorch's threads wait for one another at every
    # layer, and all stand still while one is kept from its core. Of two, both are needed: with one
    # alone a map takes twice as long. The setting is this thread's own.
    if torch.get_num_threads() > 2:
        torch.set_num_threads(torch.get_num_threads() - 1)
    return ["digits", *names_of_torchvision()]


def _about(name: str) -> About:
    from pda_studio.classifiers import catalogue
    from pda_studio.classifiers.downloads import cached_file

    entry = next(entry for entry in catalogue() if entry.name == name)
    megabytes, at_hand = 0.0, True
    if entry.source == "torchvision":
        from torchvision.models import get_model_weights

        weights = get_model_weights(name).DEFAULT
        megabytes = float(weights.meta.get("_file_size", 0.0))
        at_hand = cached_file(weights.url).is_file()
    return About(name, entry.input_size, entry.classes, megabytes, at_hand)
