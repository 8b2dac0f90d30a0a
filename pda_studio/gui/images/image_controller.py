"""The image section follows the selected row's image, and edits it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QT_TRANSLATE_NOOP, QObject, QRectF, QTimer, Signal

from pda_studio.document.model_input import in_opened_image
from pda_studio.document.workspace import SourceImage
from pda_studio.gui.actions.action import IMAGE, Action, Context, Menu, ready
from pda_studio.gui.connections import follow
from pda_studio.gui.grid.geometry import crop_handles
from pda_studio.gui.jobs.worker import Jobs
from pda_studio.gui.opening.opening import Opening
from pda_studio.gui.session.session import Session
from pda_studio.gui.window.main_window import MainWindow
from pda_studio.images import DisplayLimits
from pda_studio.images.fit import CropBox, Fit
from pda_studio.images.geometry import Plane

_INPUT = Menu(QT_TRANSLATE_NOOP("menus", "Model input"), IMAGE.at(30))
_PAUSE = 60  # ms between two edits while a grip or the page's slider is dragged


def _image(context: Context) -> bool:
    return context.image


class ImageController(QObject):
    """Changes display limits, pages and planes; the section shows itself where they matter."""

    failed = Signal(object, str)
    """An exception and its traceback."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        *,
        jobs: Jobs,
        opening: Opening,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._registry = window.registry
        self._session, self._jobs, self._box = session, jobs, window.image_box
        self._limits: DisplayLimits | None = None
        self._page: int | None = None
        self._plane: Plane | None = None
        self._reading = False
        self._wished = False
        self._tick = QTimer(self, singleShot=True, interval=_PAUSE)
        self._tick.timeout.connect(self._carry_out)
        for signal in (session.events.image, session.events.rows, session.selection_changed):
            follow(self, signal, self._show)
        self._box.limits_moved.connect(self._on_limits)
        self._box.automatic.connect(self.automatic)
        self._box.inverted.connect(self.invert)
        self._box.page_chosen.connect(self._on_page)
        self._box.plane_chosen.connect(self._on_plane)
        window.registry.add(
            Action(
                "image-section",
                self.tr("Show histogram and limits"),
                toggled=self._on_wished,
                place=IMAGE.at(40),
                shortcut="Ctrl+Alt+L",
                help=self.tr("Which of the image's values are black and white"),
                enabled=_image,
            ),
            Action(
                "automatic-limits",
                self.tr("Automatic display limits"),
                self.automatic,
                place=IMAGE.at(41),
                shortcut="Ctrl+Alt+A",
                enabled=_image,
            ),
            Action(
                "invert-image",
                self.tr("Invert black and white"),
                self.invert,
                place=IMAGE.at(42),
                shortcut="Ctrl+Alt+I",
                enabled=_image,
            ),
        )
        self._declare_fits(window, opening)
        window.grid.framed.connect(self._on_framed)
        window.grid.crop_moved.connect(self._on_crop_moved)
        follow(self, session.events.classifier, self._show_fit)
        follow(self, session.loaded, self._show_fit)
        opening.fit_refused.connect(self._show_fit)
        self._show()
        self._show_fit()

    def _declare_fits(self, window: MainWindow, opening: Opening) -> None:
        """One action for each way from the image to the model input."""
        titles: dict[Fit, tuple[str, str]] = {
            "crop": (self.tr("Middle of the image"), "Ctrl+Alt+1"),
            "stretch": (self.tr("Whole image, stretched"), "Ctrl+Alt+2"),
            "pad": (self.tr("Whole image, padded"), "Ctrl+Alt+3"),
            "full": (self.tr("Whole image at full resolution"), "Ctrl+Alt+4"),
        }
        window.registry.add(
            *(
                Action(
                    f"fit-{fit}",
                    title,
                    toggled=partial(self._on_fit, opening, fit),
                    place=_INPUT.at(10),
                    shortcut=key,
                    exclusive="fit",
                    checked=fit == "crop",
                    help=self.tr("What of the image the network gets"),
                    enabled=ready,
                )
                for fit, (title, key) in titles.items()
            ),
            Action(
                "model-input-crop",
                self.tr("Choose the crop"),
                toggled=window.grid.set_cropping,
                place=_INPUT.at(20),
                shortcut="Ctrl+Alt+5",
                help=self.tr(
                    "Move, resize or draw a frame on the image: the network gets what is in it"
                ),
                exclusive="drag",
                enabled=ready,
            ),
        )

    def _on_framed(self, key: int, frame: QRectF) -> None:
        """Let the frame drawn on the opened image become the model input, with its aspect."""
        action, row = self._registry["model-input-crop"], self._session.work.row(key)
        if not action.isChecked():
            return
        action.setChecked(False)
        handles = crop_handles(self._session, row) if row is not None else None
        if handles is not None:
            centre = frame.center().x(), frame.center().y()
            size = frame.height(), frame.width()
            box = CropBox.around(centre, size, handles.model_input, handles.image)
            self._on_crop_moved(key, box)

    def _on_crop_moved(self, key: int, box: CropBox) -> None:
        """Let a crop of a row's view become the model input: one edit."""
        session = self._session
        row, image, loaded = session.work.row(key), session.work.image, session.classifier
        if row is not None and image is not None and loaded is not None:
            crop = in_opened_image(box, row, *image.size, loaded.preprocessing.crop)
            session.model_inputs.set_crop(crop)

    def _on_fit(self, opening: Opening, fit: Fit, wanted: bool) -> None:
        if wanted:
            opening.use_fit(fit)

    def _show_fit(self, *_: object) -> None:
        choice, loaded = self._session.work.classifier, self._session.classifier
        said = loaded.preprocessing.fit if loaded else choice.fit if choice else None
        self._registry[f"fit-{said or 'crop'}"].setChecked(True)

    @property
    def image(self) -> SourceImage | None:
        """The image of the selected row."""
        return self._session.work.image_of(self._session.selected_row)

    def automatic(self) -> None:
        """Let black and white suit the image's values."""
        if (image := self.image) is not None:
            self._on_limits(image.image.automatic_limits.black, image.image.automatic_limits.white)

    def invert(self) -> None:
        """Exchange black and white."""
        if (image := self.image) is not None:
            limits = image.image.limits.inverted
            self._on_limits(limits.black, limits.white)

    def _on_wished(self, wished: bool) -> None:
        self._wished = wished
        self._show()

    def _on_limits(self, black: float, white: float) -> None:
        self._limits = DisplayLimits(black, white)
        if not self._tick.isActive():
            self._tick.start()

    def _on_page(self, page: int) -> None:
        self._page = page
        if not self._tick.isActive():
            self._tick.start()

    def _on_plane(self, plane: Plane) -> None:
        self._page, self._plane = None, plane  # a page of another plane has another meaning
        if not self._tick.isActive():
            self._tick.start()

    def _carry_out(self) -> None:
        limits, self._limits = self._limits, None
        image = self.image
        if image is not None and limits is not None and limits != image.image.limits:
            self._session.rows.exchange(image, image.with_limits(limits))
        if (self._page, self._plane) != (None, None) and not self._reading:
            self._read_page()

    def _read_page(self) -> None:
        page, self._page, plane, self._plane = self._page, None, self._plane, None
        image = self.image
        if image is None or image.path is None:
            return
        plane = plane or image.image.plane
        if plane == image.image.plane and page in (None, image.image.page):
            return
        self._reading = True
        path, limits = image.path, image.image.limits

        def read() -> SourceImage:
            from pda_studio.images import read_image

            other = read_image(path, page, plane).with_limits(
                limits
            )  # comparable from page to page
            return SourceImage.of(image.name, other, path)

        def done(other: SourceImage) -> None:
            self._reading = False
            self._session.rows.exchange(image, other)
            if (self._page, self._plane) != (None, None):
                self._tick.start()

        def failed(error: BaseException, details: str) -> None:
            self._reading = False
            self._show()
            self.failed.emit(error, details)

        self._jobs.read(read, done, failed)

    def _show(self, *_: object) -> None:
        image = self.image
        matters = image is not None and (
            not image.image.is_eight_bit or image.image.pages > 1 or image.image.planes != ()
        )
        self._box.show_section(image is not None and (matters or self._wished))
        has_file = image is not None and image.path is not None and image.path.is_file()
        self._box.show_image(image.image if image else None, has_file=has_file)
