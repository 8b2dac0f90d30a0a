"""How fast the plain engine is: ratios and medians, measured alternately in one process.

Run by hand: `python tests/benchmarks/plain.py --data FOLDER`, with `weights/NAME.safetensors` and
`imagenet_samples/` in FOLDER. Needs a quiet computer; `--quick` only shows that it runs.
"""

import argparse
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from unittest.mock import patch

import numpy as np
import torch

from pda_studio import load_classifier, load_image
from pda_studio.classifiers import Classifier
from pda_studio.infills import INFILLS, InfillSettings
from pda_studio.methods import method_named, run
from pda_studio.pda.forward.full import FullForward
from pda_studio.pda.infill.distributions import window_distributions
from pda_studio.pda.infill.statistics import shipped_statistics
from pda_studio.pda.windows import WindowGrid
from pda_studio.results import Subject, classes_to_keep

IMAGE = "imagenet_samples/n01828970_bee_eater.JPEG"
BATCHES = (2, 4, 8, 16, 32)
MEGABYTE = 2**20


def seconds(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def row(what: str, value: str, wanted: str, good: bool | None) -> None:
    verdict = "" if good is None else "ok" if good else "TOO SLOW"
    print(f"{what:<58} {value:>12} {wanted:>10}  {verdict}", flush=True)


def loaded(data: Path, name: str) -> Classifier:
    return load_classifier(name, data / "weights" / f"{name}.safetensors", device="cpu")


def forward_ratio(classifier: Classifier, subject: Subject, rounds: int, images: int) -> None:
    """The engine's plain forward against the same network called in a bare loop."""
    pixels = classifier.preprocessing.pixels(subject.view)
    classes = classes_to_keep(subject.probabilities, subject.index)
    prepared = {batch: classifier.prepare(pixels.expand(batch, -1, -1, -1)) for batch in BATCHES}

    @torch.inference_mode()
    def bare(batch: int, number: int) -> None:
        for _ in range(max(1, number // batch)):
            classifier.network(prepared[batch])

    for batch in BATCHES:
        bare(batch, batch)
    per_batch = {
        batch: min(seconds(lambda b=batch: bare(b, 32)) for _ in range(2 + rounds // 2))  # type: ignore[misc]
        for batch in BATCHES
    }
    best = min(per_batch, key=lambda batch: per_batch[batch])

    grid = WindowGrid(subject.view.shape[0], subject.view.shape[1], 10, 4)
    settings = InfillSettings(18, statistics=shipped_statistics("natural"))
    filler = INFILLS["conditional-mean"].filler(pixels, (10, 10), settings)
    order = np.random.default_rng(0).permutation(len(grid))
    infills = filler.fill(grid.corners[order])
    classifier.batch_sizes.clear()
    forward = FullForward(classifier, pixels, classes)

    def engine(number: int) -> None:
        done = 0
        while done < number:
            size = min(forward.images_at_once, number - done, len(order) - done)
            part = slice(done, done + size)
            forward(grid.corners[order[part]], infills[part])
            done += size

    engine(len(order))  # finds its batch
    number = min(images, len(order)) // 32 * 32
    ours, theirs = [], []
    for _ in range(rounds):
        theirs.append(seconds(lambda: bare(best, number)))
        ours.append(seconds(lambda: engine(number)))
    ratio = median(their / our for their, our in zip(theirs, ours, strict=True))
    row(f"  bare loop, batch {best}", f"{1000 * median(theirs) / number:.2f} ms", "", None)
    chosen = classifier.batch_sizes.get("full", "open")
    row(f"  engine, batch {chosen}", f"{1000 * median(ours) / number:.2f} ms", "", None)
    row("forward: bare loop's time / engine's", f"{ratio:.3f}", "≥ 0.95", ratio >= 0.95)


def conditional_means(classifier: Classifier, subject: Subject, rounds: int) -> None:
    """All windows of a 224×224 image at stride 1, k = 10, l = 18, in batches of the forward."""
    pixels = classifier.preprocessing.pixels(subject.view)
    grid = WindowGrid(subject.view.shape[0], subject.view.shape[1], 10, 1)

    def all_means() -> None:
        settings = InfillSettings(18, statistics=shipped_statistics("natural"))
        filler = INFILLS["conditional-mean"].filler(pixels, (10, 10), settings)
        for indices in grid.passes():
            for start in range(0, len(indices), 1024):
                filler.fill(grid.corners[indices[start : start + 1024]])

    window_distributions.cache_clear()
    shipped_statistics("natural")
    cold = seconds(all_means)
    warm = median(seconds(all_means) for _ in range(rounds))
    row(f"{len(grid):,} conditional means, distributions from nothing", f"{cold:.2f} s", "", None)
    row(
        f"{len(grid):,} conditional means, distributions known", f"{warm:.2f} s", "≤ 1 s", warm <= 1
    )


def share_beside_the_network(subject: Subject, rounds: int, stride: int) -> None:
    """What a run takes besides the network: infill, differences, averaging."""
    inside = 0.0
    scored = FullForward.__call__

    def timed(self: FullForward, *arguments: object) -> object:
        nonlocal inside
        began = perf_counter()
        answer = scored(self, *arguments)  # type: ignore[arg-type]
        inside += perf_counter() - began
        return answer

    method = method_named("efficient-pda").create(subject.classifier, stride=stride)
    run(method.steps(subject))  # laws and batch size are known from now on
    shares = []
    with patch.object(FullForward, "__call__", timed):
        for _ in range(rounds):
            inside = 0.0
            whole = seconds(lambda: run(method.steps(subject)))
            shares.append(1 - inside / whole)
    share = median(shares)
    row(
        f"infill, differences, averaging at stride {stride}", f"{100 * share:.1f} %", "≤ 5 %",
        share <= 0.05,
    )  # fmt: skip


def first_map(data: Path, name: str, rounds: int) -> None:
    """From the image to the first coarse map: the first pass, with nothing kept from before."""
    image = load_image(data / IMAGE)
    times = []
    for _ in range(rounds):
        classifier = loaded(data, name)
        window_distributions.cache_clear()
        began = perf_counter()
        subject = Subject.of(image, classifier)
        method = method_named("efficient-pda").create(classifier)
        size = subject.view.shape[0]
        wanted = len(WindowGrid(size, size, 10, 1).passes()[0])
        for progress in method.steps(subject):
            if progress.done >= wanted:
                progress.evidence()
                break
        times.append(perf_counter() - began)
    took = median(times)
    row("first coarse map", f"{took:.2f} s", "≤ 2 s", took <= 2)


def peak_memory(data: Path, name: str, stride: int) -> None:
    """Peak of a whole process that draws one map."""
    command = [sys.executable, __file__, "--data", str(data), "--classifier", name]
    child = subprocess.run(
        [*command, "--one-map", str(stride)], capture_output=True, text=True, check=True
    )
    peak = float(child.stdout)
    row(f"peak memory of a run at stride {stride}", f"{peak:,.0f} MB", "≤ 1,500", peak <= 1500)


def one_map(data: Path, name: str, stride: int) -> None:
    classifier = loaded(data, name)
    subject = Subject.of(load_image(data / IMAGE), classifier)
    run(method_named("efficient-pda").create(classifier, stride=stride).steps(subject))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak / MEGABYTE if sys.platform == "darwin" else peak * 1024 / MEGABYTE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with weights and images")
    parser.add_argument("--classifier", default="squeezenet1_1")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-memory", action="store_true", help="skip the run that takes minutes")
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    parser.add_argument("--one-map", type=int, metavar="STRIDE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_map:
        one_map(options.data, options.classifier, options.one_map)
        return
    rounds = 1 if options.quick else options.rounds
    classifier = loaded(options.data, options.classifier)
    subject = Subject.of(load_image(options.data / IMAGE), classifier)
    print(f"{options.classifier}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    first_map(options.data, options.classifier, rounds)
    conditional_means(classifier, subject, rounds)
    forward_ratio(classifier, subject, rounds, 64 if options.quick else 640)
    share_beside_the_network(subject, max(1, rounds // 2), 10 if options.quick else 4)
    sleep(0 if options.quick else 1)
    if not options.no_memory:
        peak_memory(options.data, options.classifier, 10 if options.quick else 1)


if __name__ == "__main__":
    main()
