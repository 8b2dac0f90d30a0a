"""The verb that makes a figure of saved work, as the window does, without one."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from pda_studio.errors import UsageError


def figure(
    state: Annotated[Path, Parameter(help="Workspace that the window saved: a .pdastudio file.")],
    /,
    *,
    output: Annotated[
        Path, Parameter(metavar="FILE", help="Where to write it: .pdf, .svg, .png or .tif.")
    ],
    width: Annotated[
        str | None,
        Parameter(metavar="MM", help="Width in millimetres: 85 is one column, 178 are two."),
    ] = None,
    dpi: Annotated[str | None, Parameter(metavar="N", help="Dots per inch of a bitmap.")] = None,
    font: Annotated[
        str | None, Parameter(metavar="NAME", help="A font family that is installed.")
    ] = None,
    font_size: Annotated[
        str | None, Parameter(metavar="PT", help="Size of most of the text, in points.")
    ] = None,
    tiles: Annotated[
        str | None,
        Parameter(metavar="WHAT", help="What is drawn of each map: columns, map, overlay or both."),
    ] = None,
    letters: Annotated[
        str | None,
        Parameter(metavar="WHAT", help="What has letters: none, panels, rows or columns."),
    ] = None,
    colour_bar: Annotated[
        str | None, Parameter(metavar="WHICH", help="Colour bars: each, shared or none.")
    ] = None,
    background: Annotated[
        str | None, Parameter(metavar="COLOUR", help="white, transparent or black.")
    ] = None,
    no_input: Annotated[bool, Parameter(help="Leave the images out.")] = False,
    no_titles: Annotated[bool, Parameter(help="Leave the columns' names out.")] = False,
    no_labels: Annotated[bool, Parameter(help="Leave the rows' names out.")] = False,
    no_numbers: Annotated[bool, Parameter(help="Leave probabilities and agreement out.")] = False,
    no_caption: Annotated[bool, Parameter(help="Leave the text below out.")] = False,
) -> int:
    """Draw the figure of saved work, laid out as it was in the window."""
    from pda_studio.figures import check_figure

    check_figure(output)
    if output.exists() and state.exists() and output.samefile(state):
        raise UsageError(f"The figure would replace the work {state}: name another file.")
    changes: dict[str, Any] = {
        "width": _number("width", width, float),
        "dpi": _number("dpi", dpi, int),
        "font": font,
        "font_size": _number("font-size", font_size, float),
        "tiles": tiles,
        "letters": letters,
        "colour_bar": colour_bar,
        "background": background,
        "show_input": False if no_input else None,
        "show_titles": False if no_titles else None,
        "show_labels": False if no_labels else None,
        "show_numbers": False if no_numbers else None,
        "show_caption": False if no_caption else None,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    from pda_studio.figures.composition import Composition, fonts

    Composition().replace(**given)  # what is wrong with them is told before the work is read
    if font is not None and font not in fonts():
        listed = ", ".join(fonts())
        raise UsageError(f"There is no font “{font}” that can be embedded: choose {listed}.")
    from pda_studio.document.figure import composition_of, grid_of
    from pda_studio.document.saved import load_state
    from pda_studio.figures import save_composition

    work = load_state(state)
    save_composition(grid_of(work), composition_of(work).replace(**given), output)
    print(f"Wrote {output}.")
    return 0


def _number(option: str, text: str | None, kind: type[int] | type[float]) -> float | None:
    if text is None:
        return None
    try:
        return kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise UsageError(f"--{option} must be {what}, not “{text}”.") from None
