"""The verb `neurons`: which neurons are important, and where they prediction."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from pda_studio.cli import targets
from pda_studio.cli.targets import Against, Layer, Target, UnitText
from pda_studio.cli.verbs import (
    AsJson,
    ClassifierName,
    DeviceName,
    Image,
    WeightsFile,
    _load_image,
    _print_json,
    _same_file,
)
from pda_studio.errors import UsageError

if TYPE_CHECKING:
    from pda_studio.attribution.neurons import Patch
    from pda_studio.attribution.ranking import Ranking
    from pda_studio.classifiers import Classifier
    from pda_studio.methods.neurons import Neurons

MetricName = Annotated[
    str,
    Parameter(
        metavar="NAME",
        help="What makes a neuron important: activation-output-correlation, activation-precision,"
        " activation-matrix-sum or -variance, weight-matrix-sum or -variance.",
    ),
]
_WIDTH = 80


def neurons(
    image: Image,
    /,
    *,
    output: Annotated[
        Path | None,
        Parameter(metavar="FILE", help="Where to write a figure: .png, .pdf, .svg or .tif."),
    ] = None,
    classifier: ClassifierName = "digits",
    weights: WeightsFile = None,
    target: Target = None,
    against: Against = None,
    layer: Layer = None,
    unit: UnitText = None,
    metric: MetricName = "activation-precision",
    top: Annotated[str, Parameter(metavar="N", help="Neurons of each layer: 1 to 50.")] = "5",
    shallowest: Annotated[
        str, Parameter(metavar="N", help="The first layer that counts, in percent of all.")
    ] = "0",
    deepest: Annotated[
        str, Parameter(metavar="N", help="The last layer that counts, in percent of all.")
    ] = "100",
    inputs: Annotated[
        str, Parameter(metavar="N", help="How many noisy copies of the image are looked at.")
    ] = "50",
    noise: Annotated[
        str, Parameter(metavar="X", help="Standard deviation of the factor on each pixel.")
    ] = "0.1",
    threshold: Annotated[
        str,
        Parameter(
            metavar="X", help="Neurons that are weaker are left out of activation-precision."
        ),
    ] = "0",
    seed: Annotated[str, Parameter(metavar="N", help="The same seed draws the same noise.")] = "0",
    json: AsJson = False,
    device: DeviceName = "auto",
) -> int:
    """List the most important neurons of each layer, and draw where they prediction."""
    if output is not None:
        from pda_studio.figures import check_figure

        check_figure(output)
        if _same_file(output, image):
            raise UsageError(f"The figure would replace the image {image}: name another file.")
    from pda_studio.attribution.neurons import most_important_in
    from pda_studio.cli import progress
    from pda_studio.methods.neurons import Neurons
    from pda_studio.results import Subject

    values = {
        "metric": metric,
        "top": top,
        "shallowest": shallowest,
        "deepest": deepest,
        "inputs": inputs,
        "noise": noise,
        "threshold": threshold,
        "seed": seed,
    }
    method = Neurons.create(None, **values)
    targets.check(target, against, layer, unit)
    pixels = _load_image(image)
    loaded = progress.load(classifier, weights, device)
    meant = targets.chosen(loaded, pixels, target, against, layer, unit)
    subject = Subject.of(pixels, loaded, meant)
    loaded = subject.classifier
    ranking, patches = most_important_in(method, subject)
    name = loaded.class_names[subject.target]
    if output is not None:
        from pda_studio.figures import save_neurons

        title = f"{name}, {loaded.name}: {_words(method.metric)}"
        save_neurons(subject, patches, title, output)
    if json:
        _print_json(_as_json(image, loaded, subject.target, method, ranking, patches))
        return 0
    print(_table(f"{name} (class {subject.target}) by {loaded.name}", method, ranking, patches))
    if output is not None:
        print(f"Wrote {output}.")
    return 0


def _words(metric: str) -> str:
    return metric.replace("activation-output", "activation–output").replace("-", " ")


def _table(head: str, method: "Neurons", ranking: "Ranking", patches: "Sequence[Patch]") -> str:
    """Channels of each layer, then how far the other metrics agree; at most 80 columns."""
    layers: dict[str, list[str]] = {}
    for patch in patches:
        mark = "" if patch.box else "*"
        layers.setdefault(patch.neuron.layer, []).append(f"{patch.neuron.channel}{mark}")
    wide = max(map(len, layers), default=0)
    lines = [head, f"Most important by {_words(method.metric)}:"]
    for layer, channels in layers.items():
        line = f"  {layer:<{wide}} "
        for place, channel in enumerate(channels):
            if len(line) + len(channel) + 4 > _WIDTH:
                line += f" +{len(channels) - place}"
                break
            line += f" {channel:>5}"
        lines.append(line)
    if any(patch.box is None for patch in patches):
        lines.append("  * nothing in this image drives it")
    lines.append("Share of neurons chosen in common with")
    for other, share in _overlaps(method, ranking).items():
        lines.append(f"  {_words(other):<29}  {100 * share:3.0f} %")
    return "\n".join(lines)


def _overlaps(method: "Neurons", ranking: "Ranking") -> dict[str, float]:
    """Jaccard index with each other metric."""
    from pda_studio.attribution.neurons import layers_of

    layers = layers_of(method, ranking)
    return {
        other: ranking.overlap(method.metric, other, method.top, layers)
        for other in ranking.scores
        if other != method.metric
    }


def _as_json(
    image: Path,
    classifier: "Classifier",
    target: int,
    method: "Neurons",
    ranking: "Ranking",
    patches: "Sequence[Patch]",
) -> dict[str, Any]:
    return {
        "image": str(image),
        "classifier": classifier.name,
        "weights": classifier.weights,
        "fingerprint": classifier.fingerprint,
        "target": {"index": target, "name": classifier.class_names[target]},
        "parameters": method.model_dump(mode="json"),
        "neurons": [
            {**vars(patch.neuron), "box": None if patch.box is None else vars(patch.box)}
            for patch in patches
        ],
        "jaccard": _overlaps(method, ranking),
    }
