"""The verb `patches`: what the patches of important neurons are worth."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pda_studio.cli.verbs import AsJson, ClassifierName, DeviceName, WeightsFile, _print_json


def patches(
    folder: Annotated[Path, Parameter(help="Images, in a folder for each class.")],
    /,
    *,
    classifier: ClassifierName = "digits",
    weights: WeightsFile = None,
    masks: Annotated[
        Path | None,
        Parameter(
            metavar="FOLDER",
            help="Where the objects are: images of the same names and sizes, white there.",
        ),
    ] = None,
    top: Annotated[str, Parameter(metavar="N", help="Neurons of each layer: 1 to 50.")] = "5",
    shallowest: Annotated[
        str, Parameter(metavar="N", help="The first layer that counts, in percent of all.")
    ] = "0",
    deepest: Annotated[
        str, Parameter(metavar="N", help="The last layer that counts, in percent of all.")
    ] = "100",
    seed: Annotated[str, Parameter(metavar="N", help="Where chance starts.")] = "0",
    json: AsJson = False,
    device: DeviceName = "auto",
) -> int:
    """Compare what important neurons look at, by what a small network learns from it."""
    from pda_studio.attribution.ranking import METRICS
    from pda_studio.cli import progress
    from pda_studio.methods.neurons import Neurons
    from pda_studio.studies.patches import Images, patch_study

    values = {"top": top, "shallowest": shallowest, "deepest": deepest, "seed": seed}
    method = Neurons.create(None, **values)
    images = Images.of(folder, masks)
    loaded = progress.load(classifier, weights, device)
    total = len(images.paths) + len(METRICS)
    steps = patch_study(loaded, images, method, seed=method.seed)
    *_, (_, scores) = progress.followed(steps, total, " steps")
    if json:
        _print_json([vars(score) for score in scores])
        return 0
    count, classes = len(images.paths), len(images.class_names)
    print(f"{count} images of {classes} classes; chance is {100 / classes:.0f} %.")
    head = "localisation" if masks is not None else ""
    print(f"{'metric':<30}  patches  accuracy  {head}".rstrip())
    for score in scores:
        line = f"{score.metric:<30}  {score.patches:>7}  {100 * score.accuracy:>6.1f} %"
        if score.localisation is not None:
            line += f"  {100 * score.localisation:>10.1f} %"
        print(line)
    return 0
