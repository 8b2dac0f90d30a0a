"""The verb `fit-statistics`: mean and autocovariance of a folder's images."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pda_studio.cli.model_input import Limits
from pda_studio.cli.options import WeightsFile, check_output
from pda_studio.counts import counted
from pda_studio.errors import UsageError


def fit_statistics(
    folder: Annotated[Path, Parameter(help="Images, also in folders below it.")],
    /,
    *,
    output: Annotated[
        Path,
        Parameter(metavar="FILE", help="Where to write them: a name that ends in .safetensors."),
    ],
    classifier: Annotated[
        str | None,
        Parameter(
            metavar="NAME",
            help="Fit them to images as this one gets them, with its size and channels; without it,"
            " to RGB of 224×224 pixels.",
        ),
    ] = None,
    weights: WeightsFile = None,
    grey: Annotated[
        bool, Parameter(negative="", help="Fit them to grey images, for networks of one channel.")
    ] = False,
    limits: Limits = None,
) -> int:
    """Fit statistics: mean and autocovariance of a folder's images, for --statistics.

    Images with more than eight bits have display limits of their own each,
    unless --limits names them for all.
    """
    check_output(output, ".safetensors", "statistics")
    if grey and classifier is not None:
        raise UsageError("A classifier says itself whether it takes grey: leave --grey out.")
    if weights is not None and classifier is None:
        raise UsageError("Name the --classifier that the --weights belong to.")
    from pda_studio.cli import progress
    from pda_studio.images import DisplayLimits
    from pda_studio.pda.infill.fitting import fit_stationary, save_statistics
    from pda_studio.pda.infill.folders import GREY_VIEW, NATURAL_VIEW, images_in, views_in

    count = len(images_in(folder))
    preprocessing = GREY_VIEW if grey else NATURAL_VIEW
    if classifier is not None:
        preprocessing = progress.load(classifier, weights, "cpu").preprocessing
    shown = None if limits is None else DisplayLimits(*limits)
    views = views_in(folder, preprocessing, shown)
    statistics = fit_stationary(progress.followed(views, count, " images"))
    save_statistics(statistics, output)
    print(f"Fitted to {counted(count, 'image')}. Wrote {output}.")
    return 0
