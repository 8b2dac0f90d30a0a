"""How much a map's order of blocks gains: symmetric relevance gain over a folder of images.

Run by hand: `python tests/benchmarks/relevance_gain.py FOLDER [--weights FOLDER] [--images N]`.
The images are cut into two halves, every other one each: whatever is chosen by its gain is to be
chosen on the first (`--half first`), and reported on the second. Prints, for each network, method
and half, the mean gain over N images with its 95 % confidence interval (blocks of 8×8, in whose
place the image is blurred by a Gaussian of 10 pixels), the gain with other fills, and the median
of the seconds that a map takes; then how much more the last method gains than each other one,
image by image. `--csv` keeps the gain of every image, `--sheet` shows the maps of some.
"""

import argparse
import csv
from pathlib import Path
from statistics import median

import matplotlib.pyplot as plt
import numpy as np

from pda_studio import explain, load_classifier, load_image
from pda_studio.metrics.relevance_gain import Mean, mean_over_images, relevance_gain
from pda_studio.pda.infill.folders import images_in
from pda_studio.results import EvidenceMap

METHODS = {
    "PDA": ("efficient-pda", {"window": 32, "stride": 16, "infill": "blur", "forward": "full"}),
    "Grad-CAM": ("grad-cam", {}),
    "PDA, Grad-CAM": ("consensus", {"rounds": 0}),
    "consensus": ("consensus", {}),
}
FILLS = {
    "blur 10": {},
    "blur 5": {"sigma": 5.0, "steps": 14},
    "blur 20": {"sigma": 20.0, "steps": 14},
    "grey": {"fill": "grey", "steps": 14},
    "16×16": {"block": 16, "steps": 14},
}
HALVES = {"first": 0, "second": 1}
SHEET = 8  # images


def evenly(paths: list[Path], count: int) -> list[Path]:
    """So many of the paths, from all over the list."""
    places = np.linspace(0, len(paths), min(count, len(paths)), endpoint=False).astype(int)
    return [paths[place] for place in places]


def draw(rows: list[list[EvidenceMap]], path: Path) -> None:
    """Images and their maps, red for and blue against."""
    columns = len(METHODS) + 1
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(2.2 * columns, 2.4 * len(rows)), squeeze=False
    )
    for line, maps in zip(axes, rows, strict=True):
        line[0].imshow(maps[0].view)
        line[0].set_title(f"{maps[0].target_name} {maps[0].probabilities.max():.2f}", fontsize=8)
        for axis, name, one in zip(line[1:], METHODS, maps, strict=True):
            axis.imshow(maps[0].view.mean(2), cmap="gray", alpha=0.35)
            axis.imshow(one.evidence, cmap="bwr", vmin=-one.limit, vmax=one.limit, alpha=0.75)
            axis.set_title(name, fontsize=8)
    for axis in axes.flat:
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, help="with NAME.safetensors in it")
    parser.add_argument("--names", nargs="+", default=["squeezenet1_1", "mobilenet_v2"])
    parser.add_argument("--images", type=int, default=100, help="of each half")
    parser.add_argument("--half", choices=list(HALVES), nargs="+", default=list(HALVES))
    parser.add_argument("--fills", choices=list(FILLS), nargs="+", default=["blur 10", "grey"])
    parser.add_argument("--methods", choices=list(METHODS), nargs="+", default=list(METHODS))
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    found: list[dict[str, object]] = []
    paths = images_in(arguments.folder)
    for name in arguments.names:
        weights = arguments.weights and arguments.weights / f"{name}.safetensors"
        classifier = load_classifier(name, weights, "cpu")
        for half in arguments.half:
            chosen = evenly(paths[HALVES[half] :: 2], arguments.images)
            gains: dict[tuple[str, str], list[float]] = {}
            seconds: dict[str, list[float]] = {}
            sheet = []
            for path in chosen:
                maps = []
                for title in arguments.methods:
                    method, parameters = METHODS[title]
                    made = explain(np.asarray(load_image(path)), classifier, method, **parameters)
                    maps.append(made)
                    seconds.setdefault(title, []).append(made.seconds)
                    for fill in arguments.fills:
                        gain = relevance_gain(made, classifier, **FILLS[fill]).gain
                        gains.setdefault((title, fill), []).append(gain)
                        found.append(
                            {"network": name, "half": half, "image": path.name, "method": title,
                             "fill": fill, "gain": gain}
                        )  # fmt: skip
                sheet.append(maps)
            report(f"{name}, {half} half, {len(chosen)} images", arguments, gains, seconds)
            if arguments.sheet and len(arguments.methods) == len(METHODS):
                file = arguments.sheet
                draw(evenly(sheet, SHEET), file.with_stem(f"{file.stem}-{name}-{half}"))
    if arguments.csv:
        with arguments.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(found[0]))
            writer.writeheader()
            writer.writerows(found)


def report(
    title: str,
    arguments: argparse.Namespace,
    gains: dict[tuple[str, str], list[float]],
    seconds: dict[str, list[float]],
) -> None:
    """Print a table for one network and half."""
    means: dict[tuple[str, str], Mean] = {k: mean_over_images(v) for k, v in gains.items()}
    print(f"\n{title}")
    print(f"{'':16}" + "".join(f"{fill:>24}" for fill in arguments.fills) + f"{'seconds':>10}")
    for method in arguments.methods:
        cells = "".join(f"{means[method, fill]!s:>24}" for fill in arguments.fills)
        print(f"{method:16}{cells}{median(seconds[method]):>10.2f}", flush=True)
    last, fill = arguments.methods[-1], arguments.fills[0]
    for method in arguments.methods[:-1]:
        more = np.subtract(gains[last, fill], gains[method, fill])
        print(f"{last} over {method}, {fill}: {mean_over_images(more)}", flush=True)


if __name__ == "__main__":
    main()
