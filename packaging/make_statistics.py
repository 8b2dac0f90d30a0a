"""Make the statistics that ship in `resources/statistics`.

    python packaging/make_statistics.py --data FOLDER

FOLDER holds `imagenet_256/` (images) and `mnist/` (the four idx files). Natural images, in
colour and in grey, are fitted as `pda-studio fit-statistics` does it; digits at their places, to
the training set.
"""

import argparse
import gzip
from pathlib import Path

import numpy as np

from pda_studio.pda.infill.fitting import fit_positional, fit_stationary, save_statistics
from pda_studio.pda.infill.folders import GREY_VIEW, NATURAL_VIEW, views_in

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    folder = parser.parse_args().data
    output = ROOT / "resources" / "statistics"
    output.mkdir(parents=True, exist_ok=True)

    natural = fit_stationary(views_in(folder / "imagenet_256", NATURAL_VIEW))
    save_statistics(natural, output / "natural.safetensors")
    print("natural:", natural.about, "mean", natural.mean.round(4))

    grey = fit_stationary(views_in(folder / "imagenet_256", GREY_VIEW))
    save_statistics(grey, output / "grey.safetensors")
    print("grey:", grey.about, "mean", grey.mean.round(4))

    with gzip.open(folder / "mnist" / "train-images-idx3-ubyte.gz") as file:
        digits = np.frombuffer(file.read()[16:], dtype=np.uint8).reshape(-1, 1, 28, 28)
    statistics = fit_positional(digits)
    save_statistics(statistics, output / "digits.safetensors")
    print("digits:", statistics.about, "mean", statistics.mean.mean().round(4))


if __name__ == "__main__":
    main()
