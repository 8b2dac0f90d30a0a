"""The verb `neurons`: the most important neurons and the image patches that excite them."""

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from pda_studio.cli import targets
from pda_studio.cli.model_input import InputOptions, ModelInput
from pda_studio.cli.options import (
    AsJson,
    ClassifierName,
    DeviceName,
    FigureOutput,
    Image,
    WeightsFile,
    check_figure,
    print_json,
    whole,
)
from pda_studio.cli.targets import Against, Layer, Target, UnitText

if TYPE_CHECKING:
    from pda_studio.attribution.neurons import Patch
    from pda_studio.attribution.over_seeds import OverSeeds
    from pda_studio.attribution.ranking import Ranking
    from pda_studio.methods.neurons import Neurons
    from pda_studio.results import Subject

_WIDTH = 80


def neurons(
    image: Image,
    /,
    *,
    output: FigureOutput = None,
    classifier: ClassifierName = "digits",
    weights: WeightsFile = None,
    target: Target = None,
    against: Against = None,
    layer: Layer = None,
    unit: UnitText = None,
    seeds: Annotated[
        int,
        Parameter(
            metavar="N",
            help="With how many seeds the importance is measured, to tell its spread and which"
            " neurons are chosen with every one.",
            converter=whole,
            validator=Number(gte=1, lte=100),
        ),
    ] = 5,
    json: AsJson = False,
    model_input: InputOptions = None,
    device: DeviceName = "auto",
    **parameters: Any,
) -> int:
    """List the most important neurons of each layer, and draw the patches that excite them."""
    check_figure(output, image)
    from pda_studio.attribution.neurons import most_important_in
    from pda_studio.attribution.over_seeds import over_seeds
    from pda_studio.classifiers.named_targets import target_named
    from pda_studio.cli import progress
    from pda_studio.methods.neurons import Neurons
    from pda_studio.results import Subject

    method = Neurons.create(None, **parameters)
    targets.check(target, against, layer, unit)
    model_input = model_input or ModelInput()
    pixels = model_input.read(image)
    loaded = model_input.of(progress.load(classifier, weights, device))
    meant = target_named(loaded, pixels, target, against, layer, unit)
    subject = Subject.of(pixels, loaded, meant)
    ranking, patches = most_important_in(method, subject)
    repeated = over_seeds(method, subject, ranking, seeds)
    if output is not None:
        from pda_studio.figures import save_neurons

        title = f"{subject.target_name}, {loaded.name}: {_words(method.metric)}"
        save_neurons(subject, patches, title, output)
    if json:
        print_json(_as_json(image, subject, method, ranking, patches, repeated))
        return 0
    print(_table(f"{targets.label(subject)} by {loaded.name}", method, ranking, patches, repeated))
    if output is not None:
        print(f"Wrote {output}.")
    return 0


def _words(metric: str) -> str:
    return metric.replace("activation-output", "activation–output").replace("-", " ")


def _table(
    head: str,
    method: "Neurons",
    ranking: "Ranking",
    patches: "Sequence[Patch]",
    repeated: "OverSeeds",
) -> str:
    """Channels of each layer, how far they hang on the seed and agree with other metrics.

    At most 80 columns.
    """
    layers: dict[str, list[str]] = {}
    for patch in patches:
        mark = "" if patch.box else "*"
        if not repeated.stable(patch.neuron, method.top):
            mark += "°"
        spread = repeated.spread(patch.neuron)
        beside = "" if math.isnan(spread) else f"±{100 * spread / (patch.neuron.score or 1):.0f}%"
        layers.setdefault(patch.neuron.layer, []).append(f"{patch.neuron.channel}{mark}{beside}")
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
    if repeated.count > 1:
        lines += _about_seeds(method, patches, repeated)
    lines.append("Share of neurons chosen in common with")
    for other, share in _overlaps(method, ranking).items():
        lines.append(f"  {_words(other):<29}  {100 * share:3.0f} %")
    return "\n".join(lines)


def _about_seeds(method: "Neurons", patches: "Sequence[Patch]", repeated: "OverSeeds") -> list[str]:
    """What the marks mean, and how far the order of all neurons hangs on the seed."""
    lines = [f"  ± standard deviation of its importance over {repeated.count} seeds"]
    if not all(repeated.stable(patch.neuron, method.top) for patch in patches):
        lines.append("  ° is not among them with every seed: its rank is chance")
    found = repeated.correlations().tolist()
    if len(found):
        low, middle, high = min(found), median(found), max(found)
        lines.append(
            "Order of all neurons with another seed: Spearman"
            f" {middle:.2f} ({low:.2f} to {high:.2f} in one layer)"
        )
    return lines


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
    subject: "Subject",
    method: "Neurons",
    ranking: "Ranking",
    patches: "Sequence[Patch]",
    repeated: "OverSeeds",
) -> dict[str, Any]:
    from pda_studio.targets import as_json

    return {
        "image": str(image),
        "classifier": subject.classifier.name,
        "weights": subject.classifier.weights,
        "fingerprint": subject.classifier.fingerprint,
        "target": {**as_json(subject.target), "name": subject.target_name},
        "parameters": method.model_dump(mode="json"),
        "neurons": [
            {
                **vars(patch.neuron),
                "spread": _finite(repeated.spread(patch.neuron)),
                "stable": repeated.stable(patch.neuron, method.top),
                "box": None if patch.box is None else vars(patch.box),
            }
            for patch in patches
        ],
        "seeds": repeated.count,
        "correlation_between_seeds": _median(repeated.correlations().tolist()),
        "jaccard": _overlaps(method, ranking),
    }


def _median(values: list[float]) -> float | None:
    return median(values) if values else None


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else value
