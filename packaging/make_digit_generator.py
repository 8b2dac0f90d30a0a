"""Train the digit generator on MNIST and write resources/digits/generator.safetensors.

Run it from anywhere as ``python packaging/make_digit_generator.py``. It needs the MNIST files
``train-images-idx3-ubyte.gz`` and ``t10k-images-idx3-ubyte.gz`` and takes about three minutes on
two cores. The generator is the decoder of a variational autoencoder (Kingma & Welling, ICLR 2014):
digits have normally distributed codes, so that a code's length tells how unusual its digit is.
"""

import argparse
import gzip
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from pda_studio.classifiers.generator import Generator, load_generator

REPOSITORY = Path(__file__).resolve().parent.parent
MNIST = REPOSITORY.parent / "shared" / "data" / "mnist"
WEIGHTS = REPOSITORY / "resources" / "digits" / "generator.safetensors"

SEED = 0
EPOCHS = 12
BATCH = 128
TOP_LEARNING_RATE = 2e-3
CODE = 16
SIDE, WIDTHS = 7, (48, 32, 16)  # 7, 14 and 28 pixels


class Encoder(nn.Module):
    """Tells the mean and the logarithm of the variance of an image's code; not shipped."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 24, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(24, 48, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(48 * 7 * 7, 128),
            nn.ReLU(),
            nn.Linear(128, 2 * CODE),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return both, (N, D) each."""
        mean, log_variance = self.layers(images).chunk(2, dim=1)
        return mean, log_variance


def read_images(folder: Path, part: str) -> Tensor:
    """Return the images (N, 1, 28, 28) of "train" or "t10k", in [0, 1]."""
    packed = (folder / f"{part}-images-idx3-ubyte.gz").read_bytes()
    pixels = np.frombuffer(gzip.decompress(packed), np.uint8, offset=16)
    return torch.from_numpy(pixels.reshape(-1, 1, 28, 28).astype(np.float32)) / 255


def train(images: Tensor) -> tuple[Encoder, Generator]:
    torch.manual_seed(SEED)
    encoder, generator = Encoder(), Generator(CODE, SIDE, WIDTHS, channels=1)
    optimizer = torch.optim.Adam([*encoder.parameters(), *generator.parameters()])
    steps = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, TOP_LEARNING_RATE, total_steps=EPOCHS * steps
    )
    for epoch in range(EPOCHS):
        began, total = time.monotonic(), 0.0
        for chosen in torch.randperm(len(images))[: steps * BATCH].split(BATCH):
            some = images[chosen]
            mean, log_variance = encoder(some)
            codes = mean + torch.randn_like(mean) * (log_variance / 2).exp()
            wrong = F.binary_cross_entropy_with_logits(
                generator.logits(codes), some, reduction="sum"
            )
            # How far the code's law is from the standard normal one.
            far = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
            loss = (wrong + far) / len(some)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        seconds = time.monotonic() - began
        print(f"epoch {epoch + 1}/{EPOCHS}: loss {total / steps:.1f}, {seconds:.0f} s", flush=True)
    return encoder.eval(), generator.eval()


@torch.inference_mode()
def error(encoder: Encoder, generator: Generator, images: Tensor) -> float:
    """Root mean square error of images made from the codes of these."""
    squares = [
        (generator(encoder(some)[0]) - some).square().mean().item() for some in images.split(1000)
    ]
    return float(np.mean(squares)) ** 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the digit generator.")
    parser.add_argument("--mnist", type=Path, default=MNIST, help="folder of the MNIST files")
    folder: Path = parser.parse_args().mnist
    began = time.monotonic()
    encoder, generator = train(read_images(folder, "train"))
    print(f"Trained in {time.monotonic() - began:.0f} s.")
    test = read_images(folder, "t10k")
    exact = error(encoder, generator, test)
    rounded = {
        name: tensor.detach().to(torch.float16).contiguous()
        for name, tensor in generator.state_dict().items()
    }
    metadata = {
        "training_command": "python packaging/make_digit_generator.py",
        "seed": str(SEED),
        "test_error": f"{exact:.4f}",
    }
    # Not save_file, which makes files that only their owner may read.
    WEIGHTS.write_bytes(save(rounded, metadata=metadata))
    shipped = load_generator(WEIGHTS)
    print(f"Test error {exact:.4f}, of the float16 weights {error(encoder, shipped, test):.4f}.")
    print(f"{sum(value.numel() for value in rounded.values()):,} weights.")


if __name__ == "__main__":
    main()
