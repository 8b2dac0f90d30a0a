"""Train the built-in digit classifier anew on MNIST, and keep its weights along the way.

Run it as ``python packaging/make_digits_checkpoints.py FOLDER``. It needs MNIST's files, as
make_digits_network.py does, and writes ``step-00000.safetensors`` (untrained) and so on into the
folder: the checkpoints that ``pda-studio study patches-training FOLDER IMAGES`` compares. The same
seed gives the same weights on the same computer; the whole takes about a minute.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from make_digits_network import MNIST, read_mnist
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from pda_studio.classifiers.digits import CLASS_NAMES, DigitsNetwork

KEPT = (0, 10, 30, 100, 300, 900)
"""After how many steps weights are kept: most of what is learnt is learnt early."""

BATCH = 128
LEARNING_RATE = 1e-3


def trained(images: Tensor, labels: Tensor, steps: int, seed: int) -> Iterator[nn.Module]:
    """Train with Adam; yields the network before the first step and after each."""
    torch.manual_seed(seed)
    network = DigitsNetwork()
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    yield network
    for _ in range(steps):
        network.train()
        chosen = torch.randint(len(labels), (BATCH,))
        optimizer.zero_grad()
        F.cross_entropy(network(images[chosen]), labels[chosen]).backward()
        optimizer.step()
        yield network


def keep(folder: Path, images: Tensor, labels: Tensor, kept: tuple[int, ...], seed: int) -> None:
    """Write a file for each number of steps in `kept`."""
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"class_names": json.dumps(CLASS_NAMES), "seed": str(seed)}
    for step, network in enumerate(trained(images, labels, max(kept), seed)):
        if step in kept:
            weights = {k: v.detach().clone() for k, v in network.state_dict().items()}
            save_file(weights, folder / f"step-{step:05}.safetensors", metadata)
            print(f"step {step} of {max(kept)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train digits and keep checkpoints.")
    parser.add_argument("folder", type=Path, help="where the checkpoints are written")
    parser.add_argument("--mnist", type=Path, default=MNIST, help="folder of MNIST's files")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    keep(given.folder, *read_mnist(given.mnist, "train"), KEPT, given.seed)


if __name__ == "__main__":
    main()
