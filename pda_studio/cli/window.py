"""The window, and the verb `screenshot`, which takes its image without anybody watching."""

import os
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token

from pda_studio import displays
from pda_studio.batch.results import holds_results
from pda_studio.cli.explain import DEFAULT_METHOD
from pda_studio.cli.model_input import InputOptions
from pda_studio.cli.options import (
    ClassifierName,
    Image,
    MethodName,
    WeightsFile,
    check_output,
)
from pda_studio.cli.reading import STANDARD_INPUT, read_image
from pda_studio.cli.targets import Target
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.files import check_is_not
from pda_studio.images import medical
from pda_studio.images.formats import is_named_as_image

WORKSPACE = ".pdastudio"


def window(
    file: Annotated[
        Path | None,
        Parameter(help="An image, a workspace (.pdastudio), or a folder of results or images."),
    ] = None,
    /,
    *,
    classifier: ClassifierName = "digits",
    weights: WeightsFile = None,
) -> int:
    """Open the window."""
    is_workspace = file is not None and file.suffix.lower() == WORKSPACE
    is_grid = file is not None and not is_workspace and _is_grid(file)
    if file is not None and is_workspace:
        if not file.is_file():
            raise PdaStudioError(f"Cannot read {file}: no such file; check the name.")
    elif file is not None and not is_grid:
        if file == STANDARD_INPUT:
            raise UsageError("The window opens files: save the image first, and name its file.")
        read_image(file)  # what is wrong with it is said here, not in a window that opens late
    if problem := displays.problem():
        raise PdaStudioError(f"{problem} Use pda-studio explain or screenshot instead.")
    classifier = whole_path(classifier)
    if is_workspace:
        status: int = _gui().run_window(None, classifier, weights, workspace=file)
    elif is_grid:
        status = _gui().run_window(None, classifier, weights, folder=file)
    else:
        status = _gui().run_window(file, classifier, weights)
    return status


def _is_grid(file: Path) -> bool:
    """Whether it is a folder of results or of images, rather than one image in many files."""
    if not file.is_dir() or medical.read_folder(file) is not None:
        return False
    return holds_results(file) or any(is_named_as_image(one.name) for one in file.rglob("*"))


def _size(_: type, tokens: tuple[Token, ...]) -> tuple[int, int]:
    """Width and height from a text such as 1280x800."""
    text = tokens[0].value
    numbers = text.lower().split("x")
    if len(numbers) == 2 and all(n.isascii() and n.isdigit() for n in numbers):
        width, height = map(int, numbers)
        if 320 <= width <= 7680 and 240 <= height <= 7680:
            return width, height
    raise UsageError(f"--size must be like 1280x800, from 320x240 to 7680x7680, not “{text}”.")


def screenshot(
    image: Image,
    /,
    *,
    output: Annotated[
        Path, Parameter(metavar="FILE", help="Where to write it: a name that ends in .png.")
    ],
    classifier: ClassifierName = "digits",
    weights: WeightsFile = None,
    method: MethodName | None = None,
    target: Target = None,
    model_input: InputOptions = None,
    size: Annotated[
        tuple[int, int],
        Parameter(
            metavar="SIZE",
            help="Width and height of the window. [default: 1280x800]",
            converter=_size,
            n_tokens=1,
            accepts_keys=False,
            show_default=False,
        ),
    ] = (1280, 800),
    theme: Annotated[
        Literal["system", "light", "dark"],
        Parameter(metavar="NAME", help="system, light or dark.", show_choices=False),
    ] = "system",
    **parameters: Any,
) -> int:
    """Save an image of the window with a finished attribution map.

    Each method has parameters of its own: pda-studio screenshot --method
    NAME --help shows them.
    """
    check_output(output, ".png", "a screenshot")
    check_is_not(output, image, "screenshot", "image")
    from pda_studio.methods import method_named

    if method is not None or parameters:
        method_named(method or DEFAULT_METHOD).check_values(parameters)
    if image == STANDARD_INPUT:
        raise UsageError("The window opens files: save the image first, and name its file.")
    more: dict[str, Any] = {}
    if model_input is None:
        read_image(image)
    else:
        more = {"opened": model_input.read(image)}
        more |= {"fit": model_input.fit, "crop": model_input.crop}
    classifier = whole_path(classifier)
    if displays.problem():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    _gui().take_screenshot(
        image,
        output,
        classifier=classifier,
        weights=weights,
        method=method,
        parameters=parameters or None,
        target=target,
        size=size,
        theme=theme,
        **more,
    )
    print(f"Wrote {output}.")
    return 0


def whole_path(classifier: str) -> str:
    """A file by its whole path, as workspaces name it; a name in the catalogue as it is."""
    path = Path(classifier)
    return str(path.absolute()) if path.suffix or path.name != classifier else classifier


def _gui() -> Any:
    """Find the window by name: the command line works where Qt is not installed, too."""
    with import_module("pda_studio.gui.collection").without_collection():
        return import_module("pda_studio.gui.app")
