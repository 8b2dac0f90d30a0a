"""The verb `combine`: the mean of maps."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pda_studio.cli.options import FigureOutput, MapOutput, check_figure, check_output


def combine(
    first: Annotated[Path, Parameter(help="A map that explain wrote.")],
    second: Annotated[Path, Parameter(help="Another map of the same image and target.")],
    /,
    *more: Annotated[Path, Parameter(help="Further maps.")],
    output: MapOutput,
    figure: FigureOutput = None,
) -> int:
    """Compute the mean of attribution maps, each divided by its root mean square."""
    check_output(output, ".npz", "a map")
    check_figure(figure)
    from pda_studio.attribution.combining import combined
    from pda_studio.cli import texts
    from pda_studio.results import map_in
    from pda_studio.store import load_map, save_map

    maps = [map_in(load_map(path)) for path in (first, second, *more)]
    together = combined(maps)
    save_map(together, output)
    written, fitted = [output], ""
    if figure is not None:
        from pda_studio.figures import save_panel

        fitted = save_panel([*maps, together], figure)
        written.append(figure)
    print("\n".join(filter(None, (texts.summary(together, written), fitted))))
    return 0
