"""What files of transformers and timm say of preprocessing, against the libraries themselves."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pda_studio.classifiers.transformers_folders import preprocessing_said
from pda_studio.classifiers.transforms import spec_of

transformers = pytest.importorskip("transformers")

CUT = {"shortest_edge": 224}
PROCESSORS: dict[str, tuple[str, dict[str, Any]]] = {
    "square": ("ViT", {"size": {"height": 48, "width": 48}}),
    "rectangle": ("ViT", {"size": {"height": 48, "width": 64}}),
    "Lanczos": ("ViT", {"size": {"height": 48, "width": 48}, "resample": 1}),
    "not scaled": ("ViT", {"size": {"height": 48, "width": 48}, "do_rescale": False}),
    "cut": ("Bit", {}),
    "blue first": ("MobileViT", {"size": {"shortest_edge": 288}}),
    "a share cut": ("ConvNext", {"size": CUT}),
    "all of a large input": ("ConvNext", {"size": {"shortest_edge": 384}}),
    "cut out of a share": ("PoolFormer", {"size": CUT, "crop_pct": 0.875}),
    "8/7 of the size": ("Levit", {"size": CUT}),
    "std twice": ("EfficientNet", {}),
    "from −1": ("EfficientNet", {"rescale_offset": True, "rescale_factor": 1 / 127.5}),
}


@pytest.mark.parametrize("name", PROCESSORS)
def test_the_input_is_the_librarys(name: str, tmp_path: Path) -> None:
    kind, given = PROCESSORS[name]
    processor = getattr(transformers, f"{kind}ImageProcessorPil")(**given)
    processor.save_pretrained(tmp_path)
    coarse = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((332, 264), Image.Resampling.BICUBIC)
    wanted = np.asarray(processor(image, return_tensors="np")["pixel_values"])[0]
    preprocessing = preprocessing_said(tmp_path).preprocessing(224, 3)
    found = preprocessing.normalise(preprocessing.pixels(preprocessing.view(np.asarray(image))))
    assert found.shape == wanted.shape
    assert np.abs(found.numpy() - wanted).max() < 1e-5 * max(np.abs(wanted).max(), 1)


@pytest.mark.parametrize("crop_mode", ["center", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_the_input_is_timms(crop_mode: str, interpolation: str) -> None:
    timm_data = pytest.importorskip("timm.data")
    said = {
        **{"input_size": (3, 48, 48), "interpolation": interpolation, "crop_mode": crop_mode},
        **{"mean": (0.4, 0.5, 0.6), "std": (0.2, 0.3, 0.25), "crop_pct": 1.0},
    }
    coarse = np.random.default_rng(1).integers(0, 256, (20, 28, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((84, 60), Image.Resampling.BICUBIC)
    wanted = timm_data.create_transform(**said)(image).numpy()
    preprocessing = spec_of(said).preprocessing(48, 3)
    found = preprocessing.normalise(preprocessing.pixels(preprocessing.view(np.asarray(image))))
    assert np.abs(found.numpy() - wanted).max() < 1e-5
