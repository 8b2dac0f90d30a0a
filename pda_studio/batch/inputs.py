"""Which images a batch is about: folders, class trees, globs, and lists in text or CSV files."""

import csv
import glob
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.images.formats import is_named_as_image

_STEP = 100  # files between two counts
_LISTS = (".txt", ".csv")
_PATH_COLUMNS = ("path", "image", "file", "filename")
_LABEL_COLUMNS = ("label", "class")


@dataclass(frozen=True, slots=True)
class BatchImage:
    """An image of a batch.

    Attributes
    ----------
    path : str
        Its file, absolute.
    name : str
        The same below the folder that all inputs share, with slashes; no two images have one.
    label : str
        The class that it belongs to by its folder or its line in a list; "" if none is known.
    """

    path: str
    name: str
    label: str = ""


def images_of(
    inputs: Sequence[str], base: Path | None = None, output: Path | None = None
) -> list[BatchImage]:
    """All images that inputs name, each once, sorted by their names.

    Parameters
    ----------
    inputs : sequence of str
        Images; folders, with all images in and below them, where the folders just below one are
        the labels of their images (as torchvision's `ImageFolder` has them); globs, such as
        ``scans/**/*.png``; `.txt` lists of one path a line; `.csv` lists with a column `path` (or
        `image`, `file`, `filename`) and perhaps a column `label` (or `class`).
    base : Path, optional
        Where relative inputs begin; without it, in the current folder.
    output : Path, optional
        The folder of results, whose thumbnails are no images of the batch.

    Raises
    ------
    PdaStudioError
        If there is no such input, or no image in it.
    UsageError
        If there is no input, or a list has no column of paths.
    """
    steps = listing(inputs, base, output)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            images: list[BatchImage] = stop.value
            return images


def listing(
    inputs: Sequence[str], base: Path | None = None, output: Path | None = None
) -> Generator[int, None, list[BatchImage]]:
    """What `images_of` does, in steps: each tells how many images are found by then."""
    if not inputs:
        raise UsageError("A batch needs images: name a folder, a glob, a list or images.")
    labels: dict[str, str] = {}
    roots = []
    for one in inputs:
        root, found = _images_of(os.path.join(os.path.abspath(base or ""), one))
        roots.append(root)
        for number, image in enumerate(found):
            if image is not None:
                labels.setdefault(*image)
            if number % _STEP == 0:
                yield len(labels)
    if output is not None:
        below = os.path.join(os.path.abspath(output), "")
        labels = {path: label for path, label in labels.items() if not path.startswith(below)}
    shared = _shared(roots)
    made = [BatchImage(path, _below(path, shared), label) for path, label in labels.items()]
    return sorted(made, key=lambda image: image.name)


def _images_of(given: str) -> tuple[str, Iterable[tuple[str, str] | None]]:
    """The folder of an input, and its images with their labels; None stands for other files."""
    path = Path(os.path.normpath(given))
    if path.is_dir():
        return str(path), _below_folder(path)
    if path.is_file():
        if path.suffix.lower() in _LISTS:
            listed = list(_listed(path))
            if not listed:
                raise PdaStudioError(f"The list {path} names no images.")
            return _shared([os.path.dirname(one) for one, _ in listed]), listed
        return str(path.parent), [(str(path), "")]
    if glob.has_magic(given):
        matching = sorted(glob.glob(given, recursive=True))
        images = [os.path.normpath(one) for one in matching if is_named_as_image(one)]
        if not images:
            raise PdaStudioError(f"No image matches {given}; check the pattern.")
        fixed = given[: next(i for i, sign in enumerate(given) if sign in "*?[")]
        return os.path.normpath(os.path.dirname(fixed)), [(one, "") for one in images]
    raise PdaStudioError(f"There is no image, folder or list at {path}; check the name.")


def _below_folder(folder: Path) -> Iterator[tuple[str, str] | None]:
    """The images in and below a folder, as they are found."""
    found = False
    for one in folder.rglob("*"):
        if is_named_as_image(one.name):
            found = True
            yield str(one), _folder_below(one, folder)
        else:
            yield None
    if not found:
        raise PdaStudioError(f"The folder {folder} holds no images.")


def _listed(path: Path) -> Iterator[tuple[str, str]]:
    """Paths and labels in a list; relative ones begin in the list's folder."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PdaStudioError(
            f"Cannot read the list {path}: it must be a text file in UTF-8."
        ) from error
    if path.suffix.lower() == ".csv":
        rows = csv.DictReader(text.splitlines())
        columns = {(name or "").strip().lower(): name for name in rows.fieldnames or ()}
        of_paths = next((columns[name] for name in _PATH_COLUMNS if name in columns), None)
        of_labels = next((columns[name] for name in _LABEL_COLUMNS if name in columns), None)
        if of_paths is None:
            raise UsageError(f"The first line of {path} must name a column “path”.")
        pairs = [(row[of_paths] or "", row[of_labels] if of_labels else "") for row in rows]
    else:
        pairs = [(line, "") for line in text.splitlines() if not line.lstrip().startswith("#")]
    for named, label in pairs:
        if named.strip():
            place = os.path.join(path.parent, named.strip())
            yield os.path.normpath(place), (label or "").strip()


def _folder_below(image: Path, folder: Path) -> str:
    """The folder just below another that an image lies in; "" if it lies in that one itself."""
    parts = image.relative_to(folder).parts
    return parts[0] if len(parts) > 1 else ""


def _shared(folders: Sequence[str]) -> str:
    try:
        return os.path.commonpath(folders)
    except ValueError:  # on several drives of Windows
        return ""


def _below(path: str, folder: str) -> str:
    name = os.path.relpath(path, folder) if folder else os.path.splitdrive(path)[1]
    return name.replace(os.sep, "/").lstrip("/")
