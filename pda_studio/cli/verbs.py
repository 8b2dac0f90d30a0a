"""What the verbs do. PyTorch, Qt and matplotlib are imported where they are needed: they are slow.

Names of functions, of their parameters, and their docstrings are what `--help` shows.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from pda_studio.cli import targets
from pda_studio.cli.targets import Against, Layer, Target, UnitText
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.files import check_writable

if TYPE_CHECKING:
    from pda_studio.methods import Method

Image = Annotated[Path, Parameter(help="An image: JPEG, PNG, TIFF, BMP, WebP or GIF.")]
ClassifierName = Annotated[
    str, Parameter(metavar="NAME", help="One of those that pda-studio classifiers lists.")
]
WeightsFile = Annotated[
    str | None,
    Parameter(
        metavar="FILE",
        help="A file of its weights (safetensors, or a state_dict); default for those that"
        " torchvision offers, fetched once; random for none learnt.",
    ),
]
DeviceName = Annotated[
    str, Parameter(metavar="NAME", help="Where the network runs: auto, cpu, cuda or mps.")
]
AsJson = Annotated[bool, Parameter(name="--json", help="Write JSON instead of a table.")]


def window(
    image: Image | None = None,
    /,
    *,
    classifier: ClassifierName = "digits",
    weights: WeightsFile = None,
) -> int:
    """Open the window."""
    if image is not None:
        _load_image(image)  # what is wrong with it is told here, not in a window that opens late
    if _has_no_display():
        raise PdaStudioError(
            "There is no display to open a window on: use pda-studio explain or screenshot."
        )
    status: int = _gui().run_window(image, classifier, weights)
    return status


def explain(
    image: Image,
    /,
    *,
    output: Annotated[
        Path, Parameter(metavar="MAP.npz", help="Where to write the map: a name that ends in .npz.")
    ],
    figure: Annotated[
        Path | None,
        Parameter(
            metavar="FILE", help="Where to write a figure as well: .png, .pdf, .svg or .tif."
        ),
    ] = None,
    classifier: ClassifierName = "digits",
    weights: WeightsFile = None,
    method: Annotated[
        str, Parameter(metavar="NAME", help="One of those that pda-studio methods lists.")
    ] = "efficient-pda",
    target: Target = None,
    against: Against = None,
    layer: Layer = None,
    unit: UnitText = None,
    device: DeviceName = "auto",
    batch: Annotated[
        str,
        Parameter(
            metavar="N", help="Images per forward pass; auto finds the fastest while working."
        ),
    ] = "auto",
    no_cache: Annotated[
        bool, Parameter(help="Compute the map, also if it was made before, and do not keep it.")
    ] = False,
    **parameters: str,
) -> int:
    """Show which pixels speak for and against a decision."""
    _check_output(output, ".npz", "a map")
    if figure is not None:
        from pda_studio.figures import check_figure

        check_figure(figure)
        if _same_file(figure, image):
            raise UsageError(f"The figure would replace the image {image}: name another file.")
    batch_size = _batch(batch)
    from pda_studio.cli import progress, texts
    from pda_studio.methods import method_named
    from pda_studio.results import Subject
    from pda_studio.store import Asked, DiskCache, save_map

    kind = method_named(method)
    _check_values(kind, parameters)
    targets.check(target, against, layer, unit)
    pixels = _load_image(image)
    loaded = progress.load(classifier, weights, device)
    meant = targets.chosen(loaded, pixels, target, against, layer, unit)
    chosen = kind.create(loaded, **parameters)
    subject = Subject.of(pixels, loaded, meant, batch_size)
    store, asked = DiskCache(limit=0 if no_cache else None), Asked.of(chosen, subject)
    found = store.find(asked)
    if found is None:
        evidence_map = progress.carry_out(chosen, subject)
        store.keep(asked, evidence_map)  # before the output, whose disk may turn out to be full
    else:
        evidence_map = found.evidence_map
    save_map(evidence_map, output)
    written = [output]
    if figure is not None:
        from pda_studio.figures import save_panel

        save_panel([evidence_map], figure)
        written.append(figure)
    print(texts.summary(evidence_map, written, str(found or "")))
    return 0


def predict(
    image: Image,
    /,
    *,
    classifier: ClassifierName = "digits",
    weights: WeightsFile = None,
    top: Annotated[int, Parameter(metavar="N", help="How many classes to list.")] = 5,
    json: AsJson = False,
    device: DeviceName = "auto",
) -> int:
    """List what a classifier takes an image for."""
    if top < 1:
        raise UsageError(f"--top must be at least 1, not {top}.")
    pixels = _load_image(image)
    from pda_studio.cli import progress, texts

    loaded = progress.load(classifier, weights, device)
    probabilities = loaded.predict(loaded.preprocessing.view(pixels))
    likely = (-probabilities).argsort(kind="stable")[:top]
    rows = [(int(i), loaded.class_names[i], float(probabilities[i])) for i in likely]
    if json:
        _print_json(
            {
                "image": str(image),
                "classifier": loaded.name,
                "weights": loaded.weights,
                "fingerprint": loaded.fingerprint,
                "predictions": [
                    {"index": index, "name": name, "probability": probability}
                    for index, name, probability in rows
                ],
            }
        )
    else:
        print(texts.predictions(rows))
    return 0


def combine(
    first: Annotated[Path, Parameter(help="A map that explain wrote.")],
    second: Annotated[Path, Parameter(help="Another of the same image and target.")],
    /,
    *more: Annotated[Path, Parameter(help="And so on.")],
    output: Annotated[
        Path, Parameter(metavar="MAP.npz", help="Where to write the map: a name that ends in .npz.")
    ],
    figure: Annotated[
        Path | None,
        Parameter(metavar="FILE", help="Where to write a figure of all of them: .png, .pdf, .svg."),
    ] = None,
) -> int:
    """Take the mean of finished maps, each divided by its root mean square."""
    _check_output(output, ".npz", "a map")
    if figure is not None:
        from pda_studio.figures import check_figure

        check_figure(figure)
    from pda_studio.attribution.combining import combined
    from pda_studio.cli import texts
    from pda_studio.store import load_map, save_map

    maps = [load_map(path) for path in (first, second, *more)]
    together = combined(maps)
    save_map(together, output)
    written = [output]
    if figure is not None:
        from pda_studio.figures import save_panel

        save_panel([*maps, together], figure)
        written.append(figure)
    print(texts.summary(together, written))
    return 0


def methods(*, json: AsJson = False) -> int:
    """List the methods and their parameters."""
    from pda_studio.cli import texts
    from pda_studio.methods import METHODS

    if json:
        _print_json([texts.method_as_json(method) for method in METHODS.values()])
    else:
        print(texts.methods(list(METHODS.values())))
    return 0


def layers(
    *,
    classifier: ClassifierName = "digits",
    weights: WeightsFile = None,
    json: AsJson = False,
    device: DeviceName = "auto",
) -> int:
    """List the layers of a classifier, for --layer and --at."""
    from pda_studio.classifiers.layers import layers
    from pda_studio.cli import progress, texts

    found = layers(progress.load(classifier, weights, device))
    if json:
        _print_json([{**vars(layer), "shape": list(layer.shape)} for layer in found])
    else:
        print(texts.layers(found))
    return 0


def classifiers(*, json: AsJson = False) -> int:
    """List the classifiers."""
    from pda_studio.classifiers import catalogue
    from pda_studio.cli import texts

    if json:
        _print_json([vars(entry) for entry in catalogue()])
    else:
        print(texts.classifiers(catalogue()))
    return 0


def bias_shares(
    image: Image,
    /,
    *,
    output: Annotated[
        Path, Parameter(metavar="FILE", help="Where to draw them: .png, .pdf, .svg or .tif.")
    ],
    classifier: ClassifierName = "digits",
    weights: WeightsFile = None,
    target: Target = None,
    against: Against = None,
    device: DeviceName = "auto",
    json: AsJson = False,
) -> int:
    """Draw how much of a decision's logit is bias, from layer to layer."""
    from pda_studio.figures import check_figure, save_bias_shares

    check_figure(output)
    if _same_file(output, image):
        raise UsageError(f"The figure would replace the image {image}: name another file.")
    targets.check(target, against, None, None)
    pixels = _load_image(image)
    from pda_studio.attribution.affine import bias_shares
    from pda_studio.cli import progress, texts
    from pda_studio.results import Subject

    loaded = progress.load(classifier, weights, device)
    meant = targets.chosen(loaded, pixels, target, against, None, None)
    subject = Subject.of(pixels, loaded, meant)
    shares = bias_shares(subject.classifier, subject.view, subject.target)
    name = subject.classifier.class_names[subject.target]
    save_bias_shares(shares, output, f"{loaded.name}: {name}", image.name)
    if json:
        _print_json([{"layer": layer, "share": share} for layer, share in shares])
    else:
        print(texts.bias_shares(name, shares, output))
    return 0


def fit_statistics(
    folder: Annotated[Path, Parameter(help="Images, also in folders below it.")],
    /,
    *,
    output: Annotated[
        Path,
        Parameter(metavar="FILE", help="Where to write them: a name that ends in .safetensors."),
    ],
) -> int:
    """Learn from a folder what images look like, for --statistics."""
    _check_output(output, ".safetensors", "statistics")
    from pda_studio.cli.progress import followed
    from pda_studio.pda.infill.folders import NATURAL_VIEW, images_in, views_in
    from pda_studio.pda.infill.statistics import fit_stationary, save_statistics

    count = len(images_in(folder))
    statistics = fit_stationary(followed(views_in(folder, NATURAL_VIEW), count, " images"))
    save_statistics(statistics, output)
    print(f"Fitted to {count} image{'s' if count > 1 else ''}. Wrote {output}.")
    return 0


def screenshot(
    image: Image,
    /,
    *,
    output: Annotated[
        Path, Parameter(metavar="FILE", help="Where to write it: a name that ends in .png.")
    ],
    classifier: ClassifierName = "digits",
    weights: WeightsFile = None,
    method: Annotated[
        str | None, Parameter(metavar="NAME", help="One of those that pda-studio methods lists.")
    ] = None,
    target: Target = None,
    size: Annotated[
        str, Parameter(metavar="SIZE", help="Width and height of the window.")
    ] = "1280x800",
    theme: Annotated[str, Parameter(metavar="NAME", help="system, light or dark.")] = "system",
    **parameters: str,
) -> int:
    """Draw the window with a finished map into an image."""
    _check_output(output, ".png", "a screenshot")
    if _same_file(output, image):
        raise UsageError(f"The screenshot would replace the image {image}: name another file.")
    width_and_height = _size(size)
    if theme not in ("system", "light", "dark"):
        raise UsageError(f"There is no theme “{theme}”: choose system, light or dark.")
    from pda_studio.methods import method_named

    if method is not None:
        _check_values(method_named(method), parameters)
    elif parameters:
        _check_values(method_named("efficient-pda"), parameters)
    _load_image(image)
    if _has_no_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    _gui().take_screenshot(
        image,
        output,
        classifier=classifier,
        weights=weights,
        method=method,
        parameters=parameters or None,
        target=target,
        size=width_and_height,
        theme=theme,
    )
    print(f"Wrote {output}.")
    return 0


def cache(
    *,
    clear: Annotated[bool, Parameter(help="Delete all maps in it.")] = False,
    json: AsJson = False,
) -> int:
    """Show where finished maps are kept, and how many, or delete them."""
    from pda_studio.cli import texts
    from pda_studio.store import DiskCache

    entries = DiskCache().entries
    deleted = entries.clear() if clear else None
    count, size = entries.usage()
    if json:
        told = {"folder": str(entries.folder), "maps": count, "bytes": size}
        told |= {"limit": entries.limit}
        if deleted is not None:
            told |= {"deleted": deleted[0]}
        _print_json(told)
    else:
        print(texts.cache(entries.folder, count, size, entries.limit, deleted))
    return 0


def _gui() -> Any:
    """Find the window by name: the command line works where Qt is not installed, too."""
    return import_module("pda_studio.gui.app")


def _load_image(path: Path) -> Any:
    from pda_studio.images import load_image

    return load_image(path)


def _check_output(path: Path, suffix: str, what: str) -> None:
    """Refuse a name that ends otherwise, and one that cannot be written."""
    if path.suffix.lower() != suffix:
        raise UsageError(f"The name of {what} must end in {suffix}, not “{path.name}”.")
    check_writable(path)


def _check_values(kind: "type[Method]", values: dict[str, str]) -> None:
    """Refuse unknown parameters and values out of their bounds before a classifier is loaded.

    Whether values fit each other is not known before, as the classifier has a say in the others.
    """
    from pydantic import ValidationError

    try:
        kind.create(None, **values)
    except UsageError as error:
        cause = error.__cause__
        if not isinstance(cause, ValidationError) or any(e["loc"] for e in cause.errors()):
            raise


def _batch(text: str) -> int | None:
    if text == "auto":
        return None
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise UsageError(f"--batch must be auto or a whole number of at least 1, not “{text}”.")


def _size(text: str) -> tuple[int, int]:
    numbers = text.lower().split("x")
    if len(numbers) == 2 and all(n.isascii() and n.isdigit() for n in numbers):
        width, height = map(int, numbers)
        if 320 <= width <= 7680 and 240 <= height <= 7680:
            return width, height
    raise UsageError(f"--size must be like 1280x800, from 320x240 to 7680x7680, not “{text}”.")


def _same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _has_no_display() -> bool:
    named = ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform.startswith("linux") and not any(os.environ.get(name) for name in named)


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
