"""How close a map comes to the exact one when a network is linearised from some layer on.

Run by hand: `python tests/benchmarks/linearised.py [NAME …] [--images N]`. Efficient PDA of the
most likely class, k = 10, l = 18; all layers in one pass. Prints, for each layer at which the
network's paths meet, the median and the lowest decile of Spearman's correlation of the maps, the
overlap of the strongest 5 % of pixels, the share of pixels whose sign agrees among those above a
tenth of the largest evidence, and the share of the incremental forward's work that lies below.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch
from scipy.special import expit
from scipy.stats import spearmanr

from pda_studio import load_classifier, load_image
from pda_studio.infills import INFILLS, InfillSettings
from pda_studio.pda.forward.incremental import RemovedWindows, baseline_activations, neighbours
from pda_studio.pda.forward.incremental.plan import work
from pda_studio.pda.forward.layers import joints
from pda_studio.pda.forward.linearised import along, gradients_at
from pda_studio.pda.infill.statistics import shipped_statistics
from pda_studio.pda.windows import WindowGrid

WINDOW, OUTER = 10, 18
DATA = Path(os.environ.get("PDA_STUDIO_DATA", "../shared/data"))


def bits(probability: np.ndarray, classes: int, images: float = 1.2e6) -> np.ndarray:
    """Log-odds in bits, with Laplace's correction."""
    p = (probability * images + 1) / (images + classes)
    return np.log2(p / (1 - p))


def maps(classifier, image: np.ndarray, stride: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Linearised maps by layer, and the exact one."""
    view = classifier.preprocessing.view(image)
    target = int(classifier.predict(view).argmax())
    pixels = classifier.preprocessing.pixels(view)
    grid = WindowGrid(*view.shape[:2], WINDOW, stride)
    settings = InfillSettings(OUTER, statistics=shipped_statistics("natural"))
    filler = INFILLS["conditional-mean"].filler(pixels, (WINDOW, WINDOW), settings)
    image = baseline_activations(classifier, pixels)
    program = image.program
    layers = joints(program)
    scores, gradients = gradients_at(program, list(layers.values()), [target], nested=True)
    windows = RemovedWindows(classifier, pixels)
    totals = np.zeros((len(layers), len(grid), 2))
    probability = np.zeros(len(grid))
    logits = program.output.value.double().numpy()
    for batch in neighbours(image, grid, 1):
        corners, delta = windows.changed(grid.corners[batch], filler.fill(grid.corners[batch]))
        *changes, last = image.changes(corners, delta, [*layers.values(), program.output])
        probability[batch] = torch.softmax(
            torch.from_numpy(logits) + last.delta.double(), 1
        ).numpy()[:, target]
        for total, change, gradient in zip(totals, changes, gradients, strict=True):
            total[batch] = along(change, gradient)
    count = logits.shape[1]
    before = bits(expit(scores[0] - scores[1]), count)
    exact = grid.average(before - bits(probability, count))
    linear = {
        name: grid.average(before - bits(expit(logit - others), count))
        for name, (logit, others) in zip(layers, (scores + totals).transpose(0, 2, 1), strict=True)
    }
    return linear, exact


def agreement(got: np.ndarray, wanted: np.ndarray) -> tuple[float, float, float]:
    """Spearman's correlation, overlap of the strongest 5 %, agreement of signs."""
    strongest = [np.abs(m).ravel() >= np.quantile(np.abs(m), 0.95) for m in (got, wanted)]
    overlap = (strongest[0] & strongest[1]).sum() / strongest[1].sum()
    clear = np.abs(wanted) > np.abs(wanted).max() / 10
    return (
        float(spearmanr(got.ravel(), wanted.ravel()).statistic),
        float(overlap),
        float((np.sign(got) == np.sign(wanted))[clear].mean()),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=["squeezenet1_1", "mobilenet_v2"])
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--stride", type=int, default=4)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    files = sorted((DATA / "imagenet_256").rglob("*.[jJ][pP]*[gG]"))
    files = files[:: len(files) // arguments.images][: arguments.images]
    results = {}
    for name in arguments.names:
        classifier = load_classifier(name, DATA / "weights" / f"{name}.safetensors", "cpu")
        found: dict[str, list[tuple[float, float, float]]] = {}
        for file in files:
            linear, exact = maps(classifier, np.asarray(load_image(file)), arguments.stride)
            for layer, got in linear.items():
                found.setdefault(layer, []).append(agreement(got, exact))
        pixels = torch.zeros(3, *classifier.input_size)
        program = baseline_activations(classifier, pixels).program
        side = np.array([WINDOW])
        whole = work(program, side, side).products[0]
        print(f"\n{name}, {len(files)} images, stride {arguments.stride}")
        print(f"{'layer':28}{'Spearman':>9}{'lowest 10 %':>12}{'top 5 %':>9}{'sign':>7}{'work':>7}")
        for layer, operation in joints(program).items():
            values = np.array(found[layer])
            below = work(program, side, side, [operation]).products[0] / whole
            row = [*np.median(values, 0), np.quantile(values[:, 0], 0.1), below]
            results.setdefault(name, {})[layer] = [float(value) for value in row]
            print(
                f"{layer:28}{row[0]:9.3f}{row[3]:12.3f}{row[1]:9.2f}{row[2]:7.2f}{below:7.2f}",
                flush=True,
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
