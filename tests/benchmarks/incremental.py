"""How much faster the incremental forward is than the plain one: measured alternately, medians.

Run by hand on a quiet computer: `python tests/benchmarks/incremental.py [NAME …]`. Weights are
random: the time doesn't depend on them. k = 10, stride 1; both sides score the same windows.
"""

import argparse
from statistics import median
from time import perf_counter

import numpy as np
import torch

from pda_studio import load_classifier
from pda_studio.classifiers import Classifier
from pda_studio.pda.forward.full import FullForward
from pda_studio.pda.forward.incremental import IncrementalForward
from pda_studio.pda.windows import WindowGrid

NAMES = ("squeezenet1_1", "alexnet", "vgg16", "googlenet", "resnet18", "mobilenet_v2")
WINDOW = 10
BATCHES = (2, 4, 8, 16)
SECONDS = 2.0  # of work a measurement


def plain_rates(classifier: Classifier, pixels: torch.Tensor) -> dict[int, float]:
    """Pictures a second of the bare network, by batch size."""
    rates = {}
    for size in BATCHES:
        batch = classifier.prepare(pixels[None]).repeat(size, 1, 1, 1)
        batch = batch.contiguous(memory_format=torch.channels_last)
        classifier.logits(batch)
        done, began = 0, perf_counter()
        while perf_counter() - began < SECONDS / len(BATCHES):
            classifier.logits(batch)
            done += size
        rates[size] = done / (perf_counter() - began)
    return rates


def incremental_rate(forward: IncrementalForward, grid: WindowGrid, seed: int) -> float:
    """Windows a second, on batches from all over the picture."""
    cut = list(forward.batches(grid, 1))
    order = np.random.default_rng(seed).permutation(len(cut))
    infills = torch.rand(len(cut[0]) * 4, 1, 3, WINDOW, WINDOW)
    done, began = 0, perf_counter()
    for index in order:
        corners = grid.corners[cut[index]]
        forward(corners, infills[: len(corners)])
        done += len(corners)
        if perf_counter() - began > SECONDS:
            break
    return done / (perf_counter() - began)


def error(classifier: Classifier, pixels: torch.Tensor, forward: IncrementalForward) -> float:
    """Rms error of the logits over the rms of their change."""
    classes = np.arange(len(classifier.class_names))
    full = FullForward(classifier, pixels, classes, batch=4)
    grid = WindowGrid(*pixels.shape[1:], WINDOW, 1)
    corners = grid.corners[next(iter(forward.batches(grid, 1)))]
    infills = torch.rand(len(corners), 1, 3, WINDOW, WINDOW)
    wanted, got = full(corners, infills).logit, forward(corners, infills).logit
    change = wanted - full.original.logit
    return float(np.sqrt(np.mean((got - wanted) ** 2) / np.mean(change**2)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{'':16}{'plain/s':>9}{'batch':>6}{'incremental/s':>15}{'ratio':>7}{'error':>9}")
    for name in arguments.names:
        classifier = load_classifier(name, "random")
        side = classifier.input_size
        pixels = torch.rand(3, side, side, generator=torch.Generator().manual_seed(0))
        classes = np.arange(len(classifier.class_names))
        forward = IncrementalForward(classifier, pixels, classes, WINDOW)
        grid = WindowGrid(side, side, WINDOW, 1)
        incremental_rate(forward, grid, 0)  # the first use of each shape pays for its set-up
        plain: dict[int, list[float]] = {size: [] for size in BATCHES}
        rates = []
        for turn in range(arguments.rounds):
            for size, rate in plain_rates(classifier, pixels).items():
                plain[size].append(rate)
            rates.append(incremental_rate(forward, grid, turn))
        best = max(plain, key=lambda size: median(plain[size]))
        before, after = median(plain[best]), median(rates)
        print(
            f"{name:16}{before:9.1f}{best:6}{after:15.1f}{after / before:7.2f}"
            f"{error(classifier, pixels, forward):9.0e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
