"""The verb `figure`: the figure of a workspace, as the window makes it, without one."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from pda_studio.cli.options import check_figure, whole
from pda_studio.errors import UsageError


def figure(
    state: Annotated[Path, Parameter(help="Workspace that the window saved: a .pdastudio file.")],
    /,
    *,
    output: Annotated[
        Path, Parameter(metavar="FILE", help="Where to write it: .pdf, .svg, .png or .tif.")
    ],
    width: Annotated[
        float | None,
        Parameter(metavar="MM", help="Width in millimetres: 85 is one column, 178 are two."),
    ] = None,
    height: Annotated[
        float | None,
        Parameter(
            metavar="MM",
            help="Most millimetres of height; columns and rows are divided so that it has room.",
        ),
    ] = None,
    dpi: Annotated[
        int | None,
        Parameter(metavar="N", help="Dots per inch of a bitmap.", converter=whole),
    ] = None,
    font: Annotated[
        str | None, Parameter(metavar="NAME", help="A font family that is installed.")
    ] = None,
    font_size: Annotated[
        float | None, Parameter(metavar="PT", help="Size of most of the text, in points.")
    ] = None,
    tiles: Annotated[
        str | None,
        Parameter(metavar="WHAT", help="What is shown of each map: columns, map, overlay or both."),
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
    """Draw the figure of a workspace, laid out as it was in the window."""
    check_figure(output, state, "workspace")
    changes: dict[str, Any] = {
        "width": width,
        "height": height,
        "dpi": dpi,
        "font": font,
        "font_size": font_size,
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

    Composition().replace(**given)  # wrong values are refused before the workspace is read
    if font is not None and font not in fonts():
        listed = ", ".join(fonts())
        raise UsageError(f"There is no font “{font}” that can be embedded: choose {listed}.")
    from pda_studio.document.figure import composition_of, grid_of
    from pda_studio.document.saved import load_state
    from pda_studio.figures import save_composition

    workspace = load_state(state)
    composition = composition_of(workspace).replace(**given)
    fitted = save_composition(grid_of(workspace), composition, output)
    print(" ".join(filter(None, (f"Wrote {output}.", fitted, *workspace.notes))))
    return 0
