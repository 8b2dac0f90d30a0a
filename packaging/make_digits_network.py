"""Train the built-in digit classifier on MNIST and write resources/digits/weights.safetensors.

Run it from anywhere as ``python packaging/make_digits_network.py``. It needs the four MNIST files
``{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz``, takes minutes on an ordinary processor and
prints the accuracy on the 10,000 test images of the weights as they are shipped, in float16.
The last epoch's averaged weights are kept whatever their test accuracy is: the test images
take no part in choosing them.
"""

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pda_studio.classifiers.digits import CLASS_NAMES, MEAN, STD, DigitsNetwork

REPOSITORY = Path(__file__).resolve().parent.parent
MNIST = REPOSITORY.parent / "shared" / "data" / "mnist"
WEIGHTS = REPOSITORY / "resources" / "digits" / "weights.safetensors"

SEED = 0
EPOCHS = 16
BATCH = 128
TOP_LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2
EMA_DECAY = 0.998
# A network that is sure beyond all doubt shows nothing: without most of its windows its odds stay
# where they are. Smoothed labels keep it at about 0.9, and every window tells.
SMOOTHING = 0.1


def read_mnist(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """Return the normalised images (N, 1, 28, 28) and labels (N) of "train" or "t10k"."""
    pixels = np.frombuffer(
        gzip.decompress((folder / f"{part}-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16
    )
    labels = np.frombuffer(
        gzip.decompress((folder / f"{part}-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8
    )
    images = torch.from_numpy(pixels.reshape(-1, 1, 28, 28).astype(np.float32)) / 255
    return (images - MEAN) / STD, torch.from_numpy(labels.astype(np.int64))


def augmented(images: Tensor) -> Tensor:
    """Return the images each turned by up to 12°, scaled by up to 12 % and moved a little."""
    n = len(images)
    angle = (torch.rand(n) * 2 - 1) * np.radians(12)
    width, height = 1 + (torch.rand(2, n) * 2 - 1) * 0.12
    slant = (torch.rand(n) * 2 - 1) * 0.12
    shift = (torch.rand(n, 2, 1) * 2 - 1) * (2.5 / 14)  # 2.5 pixels of half an image's 14
    turn = torch.stack(
        [angle.cos() * width, slant - angle.sin(), angle.sin(), angle.cos() * height], dim=1
    ).reshape(n, 2, 2)
    grid = F.affine_grid(torch.cat([turn, shift], dim=2), list(images.shape), align_corners=False)
    # grid_sample pads with 0, so the black background has to be 0 while it works.
    black = -MEAN / STD
    return F.grid_sample(images - black, grid, align_corners=False) + black


def accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the share of images classified right."""
    network.eval()
    with torch.inference_mode():
        right = [
            (network(some).argmax(1) == truth).sum().item()
            for some, truth in zip(images.split(1000), labels.split(1000), strict=True)
        ]
    return sum(right) / len(labels)


def train(images: Tensor, labels: Tensor) -> nn.Module:
    """Return a network whose weights are a moving average over the last steps of training."""
    torch.manual_seed(SEED)
    network = DigitsNetwork().to(memory_format=torch.channels_last)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(EMA_DECAY))
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY, fused=True)
    steps = len(labels) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, TOP_LEARNING_RATE, total_steps=EPOCHS * steps, pct_start=0.2
    )
    for epoch in range(EPOCHS):
        start = time.monotonic()
        network.train()
        total = 0.0
        for chosen in torch.randperm(len(labels))[: steps * BATCH].split(BATCH):
            some = augmented(images[chosen]).contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(network(some), labels[chosen], label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(network)
            total += loss.item()
        seconds = time.monotonic() - start
        print(f"epoch {epoch + 1}/{EPOCHS}: loss {total / steps:.4f}, {seconds:.0f} s", flush=True)
    trained: nn.Module = average.module
    return trained


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the built-in digit classifier.")
    parser.add_argument("--mnist", type=Path, default=MNIST, help="folder of the four MNIST files")
    folder: Path = parser.parse_args().mnist

    start = time.monotonic()
    trained = train(*read_mnist(folder, "train"))
    print(f"Trained in {time.monotonic() - start:.0f} s.")

    rounded = {
        name: tensor.detach().to(torch.float16).contiguous()
        for name, tensor in trained.state_dict().items()
    }
    shipped = DigitsNetwork()
    shipped.load_state_dict(rounded)
    share = accuracy(shipped, *read_mnist(folder, "t10k"))
    WEIGHTS.parent.mkdir(parents=True, exist_ok=True)
    metadata = {
        "test_accuracy": f"{share:.4f}",
        "training_command": "python packaging/make_digits_network.py",
        "seed": str(SEED),
        "class_names": json.dumps(CLASS_NAMES),
    }
    # Not save_file, which makes files that only their owner may read.
    WEIGHTS.write_bytes(save(rounded, metadata=metadata))
    # What counts is the file, so the accuracy printed is measured again on what it holds.
    shipped.load_state_dict({k: v.to(torch.float32) for k, v in load_file(WEIGHTS).items()})
    share = accuracy(shipped, *read_mnist(folder, "t10k"))
    print(f"Test accuracy of the float16 weights in {WEIGHTS.name}: {share:.2%}")


if __name__ == "__main__":
    main()
