"""From which layer on a network is linear enough for the windows of an image."""

import numpy as np
import torch

from pda_studio.classifiers import Classifier
from pda_studio.classifiers.graph import Operation, Program
from pda_studio.pda.forward.incremental import RemovedWindows, baseline_activations
from pda_studio.pda.forward.linearised import along, gradients_at
from pda_studio.pda.forward.memory import measured_once
from pda_studio.pda.patches import windows_of

# Where the median of Spearman's correlation with the exact map first reaches 0.95, on 42 images:
# see tests/benchmarks/linearised.py.
_MEASURED = {"squeezenet1_1": "features.11", "mobilenet_v2": "features.15"}
_CLOSE = 0.95
_WINDOW, _PLACES = 10, 7  # windows that are looked at, in pixels, and how many along each axis


def earliest_layer(classifier: Classifier, pixels: torch.Tensor, *, remember: bool = True) -> str:
    """The earliest layer from which on the linearised map is nearly the exact one.

    Of networks whose layers were measured on many images, the first where the median of
    Spearman's correlation of the maps reaches 0.95. Of others, the first where that of the
    windows' log-odds does so for the first image that is asked about; that is remembered,
    unless the image is none that others should be judged by.

    Raises
    ------
    NotTraceable
        If `torch.fx` cannot follow the network.
    """
    if classifier.name in _MEASURED and classifier.has_probabilities:
        return _MEASURED[classifier.name]
    if not remember:
        return _measured(classifier, pixels)
    program = baseline_activations(classifier, pixels).program
    key = f"{classifier.name} {classifier.target or ''} {classifier.fingerprint}"
    layer = measured_once("layers", key, str, lambda: _measured(classifier, pixels))
    return layer if layer in program.layers else _measured(classifier, pixels)


def _measured(classifier: Classifier, pixels: torch.Tensor) -> str:
    """The first joint whose linearised log-odds rank windows all over an image as they are."""
    from scipy.stats import spearmanr  # takes a second, and only such networks need it

    image = baseline_activations(classifier, pixels)
    program = image.program
    names = joints(program)
    logits = program.output.value[0].cpu().double()
    target = int(logits.argmax())
    _, gradients = gradients_at(program, list(names.values()), [target], nested=True)
    windows = RemovedWindows(classifier, pixels)
    window = min(_WINDOW, *pixels.shape[1:])
    places = [
        np.unique(np.linspace(0, length - window, _PLACES).round().astype(int))
        for length in pixels.shape[1:]
    ]
    exact, linear = [], []
    for corner in np.stack(np.meshgrid(*places, indexing="ij"), -1).reshape(-1, 1, 2):
        grey = windows_of(pixels, corner, window, window).mean((2, 3), keepdim=True)
        infill = grey.expand(-1, -1, window, window)[:, None]
        *states, last = image.changes(
            *windows.changed(corner, infill), [*names.values(), program.output]
        )
        change = 0.0 if last is None else last.delta[0].cpu().double()
        exact.append(log_odds_among(logits + change, target))
        linear.append(
            [
                0.0 if state is None else -np.diff(along(state, gradient)[0]).item()
                for state, gradient in zip(states, gradients, strict=True)
            ]
        )
    correlations = [float(spearmanr(exact, column).statistic) for column in np.array(linear).T]
    close = (name for name, found in zip(names, correlations, strict=True) if found >= _CLOSE)
    return next(close, list(names)[-1])


def log_odds_among(logits: torch.Tensor, target: int) -> float:
    """Natural log-odds of one class among all, from logits (K,); of a single output its value."""
    others = torch.cat([logits[:target], logits[target + 1 :]])
    return float(logits[target] - (others.logsumexp(0) if len(others) else 0))


def joints(program: Program) -> dict[str, Operation]:
    """The layers through whose result alone the image reaches the logits, in order.

    Where paths part and meet, only layers before the parting and after the meeting are joints; of
    nested layers with the same result the outermost gives the name.
    """
    order = {operation: place for place, operation in enumerate(program.operations)}
    last_use = dict(order)
    for operation in program.operations:
        for used in operation.inputs():
            last_use[used] = max(last_use[used], order[operation])
    names: dict[Operation, str] = {}
    for name, operation in program.layers.items():
        names.setdefault(operation, name)
    needed = program.before([program.output])
    depends = {program.image}
    open_until = last_use[program.image]
    found: dict[str, Operation] = {}
    for operation in program.operations[1:]:
        if operation not in needed or not depends.intersection(operation.inputs()):
            continue
        depends.add(operation)
        if open_until <= order[operation] and operation in names:
            found[names[operation]] = operation
        open_until = max(open_until, last_use[operation])
    return found
