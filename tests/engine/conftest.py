"""Classifiers, their float64 references and images that the engine's tests share."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from numpy.typing import NDArray
from PIL import Image
from reference import Network, Statistics
from safetensors.torch import load_file

from pda_studio.classifiers import Classifier, Preprocessing, load_classifier

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BEE_EATER = "imagenet_samples/n01828970_bee_eater.JPEG"
TERRIER = "imagenet_samples/n02097298_Scotch_terrier.JPEG"  # portrait, 200×319
LANGUR = "preddiff_samples/n02488291_1177.jpg"

Open = Callable[[str], Image.Image]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Small batches gain little from threads, and lose much where others want the processor."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def image(data_folder: Path) -> Open:
    return lambda name: Image.open(data_folder / name).convert("RGB")


@pytest.fixture(scope="session")
def squeezenet(data_folder: Path) -> Classifier:
    return load_classifier("squeezenet1_1", data_folder / "weights/squeezenet1_1.safetensors")


@pytest.fixture(scope="session")
def mobilenet(data_folder: Path) -> Classifier:
    return load_classifier("mobilenet_v2", data_folder / "weights/mobilenet_v2.safetensors")


@pytest.fixture(scope="session")
def half_squeezenet(squeezenet: Classifier) -> Classifier:
    """The same network on images of 112×112 pixels: sixteen times fewer windows and pixels."""
    preprocessing = squeezenet.preprocessing.model_copy(update={"resize": 128, "size": (112, 112)})
    return replace(squeezenet, preprocessing=preprocessing, batch_sizes={})


@pytest.fixture(scope="session")
def small_squeezenet(squeezenet: Classifier) -> Classifier:
    """The same network on images of 48×48 pixels: twenty times as fast."""
    preprocessing = Preprocessing(resize=48, size=48, mean=MEAN, std=STD)
    return replace(squeezenet, preprocessing=preprocessing, batch_sizes={})


@pytest.fixture(scope="session")
def digits() -> Classifier:
    return load_classifier("digits", device="cpu")


@pytest.fixture(scope="session")
def reference_networks(data_folder: Path) -> Callable[[str], Network]:
    made: dict[str, Network] = {}

    def make(name: str) -> Network:
        if name not in made:
            network = torchvision.models.get_model(name, weights=None)
            network.load_state_dict(load_file(data_folder / "weights" / f"{name}.safetensors"))
            made[name] = Network(network, MEAN, STD)
        return made[name]

    return make


@pytest.fixture(scope="module")  # a session would keep gigabytes of covariances
def natural() -> Statistics:
    return Statistics("natural")


@pytest.fixture(scope="module")
def digit_statistics() -> Statistics:
    return Statistics("digits")


@pytest.fixture(scope="session")
def digit_image() -> Callable[[int], NDArray[np.uint8]]:
    def read(digit: int) -> NDArray[np.uint8]:
        path = files("pda_studio.resources") / "digits" / "samples" / f"{digit}.png"
        with path.open("rb") as file:
            return np.array(Image.open(file).convert("RGB"))

    return read
