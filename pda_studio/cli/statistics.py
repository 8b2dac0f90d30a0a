"""The verb `fit-statistics`: mean and autocovariance of a folder's images."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pda_studio.cli.options import check_output


def fit_statistics(
    folder: Annotated[Path, Parameter(help="Images, also in folders below it.")],
    /,
    *,
    output: Annotated[
        Path,
        Parameter(metavar="FILE", help="Where to write them: a name that ends in .safetensors."),
    ],
) -> int:
    """Fit statistics: mean and autocovariance of a folder's images, for --statistics."""
    check_output(output, ".safetensors", "statistics")
    from pda_studio.cli.progress import followed
    from pda_studio.pda.infill.fitting import fit_stationary, save_statistics
    from pda_studio.pda.infill.folders import NATURAL_VIEW, images_in, views_in

    count = len(images_in(folder))
    statistics = fit_stationary(followed(views_in(folder, NATURAL_VIEW), count, " images"))
    save_statistics(statistics, output)
    print(f"Fitted to {count} image{'s' if count > 1 else ''}. Wrote {output}.")
    return 0
