"""How long studies say that they take, beside how long they took.

Run by hand, with nothing else working: `python tests/benchmarks/predicted_time.py [NAME …]
[--classifier squeezenet1_1 --weights FILE --folder FOLDER]`. Every study of the registry, or those
that are named, is carried out on `digits` and drawn bars, or on the photographs of a folder, with
a cache that is empty. Prints the first prediction, when it was made, how long the rest then took,
and the ratio of the two; then the ratio of what was predicted once a quarter and half of that time
had gone by. 1 is right; within 0.77 to 1.3 is what studies promise. What takes less than two
seconds is marked: there is hardly anything to predict. With `--cpu` and OMP_NUM_THREADS=1 all
clocks count the seconds of this process alone, so that other work does not matter.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

if "--cpu" in sys.argv:
    time.perf_counter = time.process_time  # before the program takes it
from pda_studio.classifiers import load_classifier
from pda_studio.images import read_image
from pda_studio.methods import method_named
from pda_studio.pda.infill.folders import images_in
from pda_studio.results import Subject
from pda_studio.studies import STUDIES, ClassifierInput, Inputs, Study, StudyProgress

SECONDS = 2.0  # of less, a ratio says little
DIGITS = {
    "adversarial": {"images": 6},
    "affine-regions": {"training": 3000},
    "approximation": {"images": 8, "samples": 1000},
    "bias-shares": {"images": 8},
    "class-rules": {"images": 8, "index": 1, "members": "all"},
    "fidelity": {"images": 8, "order": "blocks"},
    "map-clusters": {"images": 8, "index": 1, "members": "all"},
    "panel": {"preset": "layers", "samples": 20, "stride": 1},
    "relevance-gain": {"images": 8},
    "sampling": {"samples": 200},
    "toy-networks": {"images": 2, "filters": 128, "units": 1024},
}
PHOTOGRAPHS = {
    "approximation": {"samples": 100},
    "class-rules": {"index": 1, "members": "all"},
    "fidelity": {"parts": 25, "curve_steps": 7},
    "invariance": {"kind": "flips"},
    "panel": {"preset": "layers", "samples": 2, "stride": 10},
    "random-weights": {"depths": 2},
    "sampling": {"samples": 50, "map_samples": 2},
    "sweep": {"vary": "stride", "smallest": 10, "largest": 32, "count": 3},
    "time": {"batch": 16},
    "toy-networks": {"images": 1, "filters": 64, "units": 1024},
}
METHODS = {"efficient-pda": {"stride": 4}, "grad-cam": {}, "smooth-grad": {}}
"""What is compared; efficient PDA at stride 1 of digits."""


def bars(folder: Path) -> Path:
    """Eight drawn bars, in a folder for each of two classes; no two views of them are the same."""
    random = np.random.default_rng(0)
    for name in ("1", "7"):
        (folder / name).mkdir(parents=True)
        for place in (6, 11, 14, 18):
            pixels = np.zeros((28, 28), np.uint8)
            pixels[4:24, place : place + 3] = 255
            pixels = pixels if name == "1" else pixels.T
            pixels = np.maximum(pixels, random.integers(0, 30, pixels.shape, np.uint8))
            Image.fromarray(pixels).save(folder / name / f"{place:02}.png")
    return folder


def inputs_of(kind: type[Study], given: argparse.Namespace) -> Inputs:
    """What is told on the line, loaded anew."""
    if kind.alone:
        return Inputs([])
    classifier = load_classifier(given.classifier, given.weights)
    pixels = read_image(images_in(given.folder)[0])
    small = given.classifier == "digits"
    methods = {**METHODS, "efficient-pda": {"stride": 1 if small else 10, "samples": 1}}

    def explained(loaded):
        return Subject.of(pixels, loaded)

    return Inputs(
        [ClassifierInput(classifier.name, lambda: classifier)],
        lambda: explained(classifier),
        "image",
        lambda loaded: [method_named(name).create(loaded, **own) for name, own in methods.items()],
        read_image,
        explained=explained,
    )


def predictions(kind: type[Study], given: argparse.Namespace) -> list[tuple[float, StudyProgress]]:
    """All steps of a study, each with its second."""
    own = (DIGITS if given.classifier == "digits" else PHOTOGRAPHS).get(kind.name, {})
    values = {"folder": given.folder} if "folder" in kind.model_fields else {}
    study = kind.of_values({**values, **own})
    inputs = inputs_of(kind, given)
    began = time.perf_counter()
    return [(time.perf_counter() - began, step) for step in study.steps(inputs)]


def row_of(name: str, steps: list[tuple[float, StudyProgress]]) -> str:
    """The ratios of a study."""
    end = steps[-1][0]
    known = [(at, step.seconds_left) for at, step in steps if step.seconds_left is not None]
    if not known:
        return f"{name:18} {end:7.1f} s, predicts nothing"
    at, first = known[0]
    told = f"{name:18} {end:7.1f} s; at {at:5.1f} s {first:6.1f} s left, took {end - at:6.1f} s"
    if end - at < SECONDS:
        return f"{told}  (short)"
    later = []
    for share in (0.25, 0.5):
        when, left = next(one for one in known if one[0] >= at + share * (end - at))
        later.append(left / (end - when) if end - when > 0.1 * (end - at) else float("nan"))
    return f"{told}: {first / (end - at):5.2f}; later {later[0]:5.2f} {later[1]:5.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="studies; without any, all that can be")
    parser.add_argument("--cpu", action="store_true", help="count this process's own seconds")
    parser.add_argument("--classifier", default="digits")
    parser.add_argument("--weights")
    parser.add_argument("--folder", type=Path, help="images; without it, drawn bars")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="predicted-"))
    given.folder = given.folder or bars(home / "images")
    for name in given.names or STUDIES:
        os.environ["PDA_STUDIO_CACHE"] = str(home / name)
        try:
            print(row_of(name, predictions(STUDIES[name], given)), flush=True)
        except Exception as error:  # the others go on
            print(f"{name:18} {error}", flush=True)
    shutil.rmtree(home)


if __name__ == "__main__":
    main()
