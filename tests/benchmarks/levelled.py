"""How fast levelled maps are, and how near to the exact ones, beside what they claim.

Run by hand: `python tests/benchmarks/levelled.py [NAME …] [--images N] [--tolerance T …]`.
Efficient PDA of the most likely class, k = 10, l = 18, every window. For each image and tolerance:
the plain forward's time for as many images over the map's (processor time of one thread, so that
other work on the machine counts little), the true rms error and the claimed one, Pearson's r, and
the share of pixels within twice their claimed error; then the medians over the images, and how many
keep to the bounds that are asked: 1.5 times the tolerance, and claims of 0.7 to 1.4 of the truth.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch

from pda_studio import load_classifier, load_image
from pda_studio.diagnostics import approximation
from pda_studio.methods.prediction_difference import EfficientPDA
from pda_studio.results import EvidenceMap, Subject

DATA = Path(os.environ.get("PDA_STUDIO_DATA", "../shared/data"))
BATCHES = (4, 8, 16, 32)


def plain_seconds(classifier, pixels: torch.Tensor) -> float:
    """Of an image in the fastest of a few batches."""
    best = np.inf
    for count in BATCHES:
        batch = classifier.prepare(pixels[None]).repeat(count, 1, 1, 1)
        batch = batch.contiguous(memory_format=torch.channels_last)
        for _ in range(3):
            began = time.process_time()
            classifier.logits(batch)
            best = min(best, (time.process_time() - began) / count)
    return best


def mapped(method: EfficientPDA, subject: Subject) -> tuple[EvidenceMap, float]:
    """The finished map and its processor time."""
    began = time.process_time()
    for last in method.steps(subject):  # noqa: B007
        pass
    return last.evidence(), time.process_time() - began


def rms(values: np.ndarray) -> float:
    """Root mean square."""
    return float(np.sqrt(np.square(values.astype(float)).mean()))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["squeezenet1_1", "mobilenet_v2"])
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--tolerance", type=float, nargs="*", default=[0.1, 0.05])
    options = parser.parse_args()
    torch.set_num_threads(1)
    files = sorted((DATA / "imagenet_256").glob("*.jp*g"))
    files = files[:: max(1, len(files) // options.images)][: options.images]
    for name in options.names:
        weights = DATA / f"weights/{name}.safetensors"
        classifier = load_classifier(name, weights if weights.is_file() else "random", "cpu")
        found: dict[float, list[tuple[float, ...]]] = {one: [] for one in options.tolerance}
        for file in files:
            view = classifier.preprocessing.view(load_image(file))
            subject = Subject.of_view(view, classifier, classifier.predict(view))
            windows = EfficientPDA().cost(subject)
            plain = plain_seconds(classifier, classifier.preprocessing.pixels(view)) * windows
            exact, seconds = mapped(EfficientPDA(precision="float32"), subject)
            print(f"{name} {file.name}: exact {plain / seconds:.1f}×", flush=True)
            for tolerance, rows in found.items():
                got, seconds = mapped(
                    EfficientPDA(forward="levelled", tolerance=tolerance), subject
                )
                difference = got.evidence - exact.evidence
                claim = approximation(got.diagnostics)
                within = 1.0
                if got.approximation_error is not None:
                    within = float((np.abs(difference) <= 2 * got.approximation_error).mean())
                true = rms(difference) / rms(exact.evidence)
                claimed = claim.error if claim else 0.0
                r = np.corrcoef(got.evidence.ravel(), exact.evidence.ravel())[0, 1]
                rows.append((plain / seconds, true, claimed, within, r))
                print(
                    f"  {tolerance:.0%}: {plain / seconds:.1f}×, true {true:.1%}, claimed"
                    f" {claimed:.1%}, r {r:.4f}, within twice the claim {within:.1%};"
                    f" {got.forward}",
                    flush=True,
                )
        for tolerance, rows in found.items():
            speed, true, claimed, within, r = np.array(rows).T
            ratio = claimed / np.maximum(true, 1e-9)
            print(
                f"{name} at {tolerance:.0%}, medians of {len(rows)}: {np.median(speed):.1f}×, true"
                f" {np.median(true):.1%}, r {np.median(r):.4f}, within {np.median(within):.1%};"
                f" {np.mean(true <= 1.5 * tolerance):.0%} within 1.5 of the tolerance,"
                f" {np.mean((ratio >= 0.7) & (ratio <= 1.4)):.0%} of claims right"
            )


if __name__ == "__main__":
    main()
