"""What README says can be done is done here, as it stands there."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from pda_studio import classifiers

README = Path(__file__).resolve().parents[1].joinpath("README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def ready_to_run(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the image that README speaks of, as the current one."""
    pixels = np.random.default_rng(7).integers(0, 256, (70, 90, 3), np.uint8)
    Image.fromarray(pixels).save(folder / name, format="PNG")
    monkeypatch.chdir(folder)


def test_a_network_of_ones_own_takes_the_five_lines_of_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = (one for one in BLOCKS if "my_module" in one)
    assert len([line for line in block.splitlines() if line.strip()]) == 5
    ready_to_run(tmp_path, "scan.png", monkeypatch)
    torch.manual_seed(3)
    network = nn.Sequential(nn.Conv2d(3, 4, 5, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
                            nn.Flatten(), nn.Linear(16, 2))  # fmt: skip
    names: dict[str, object] = {"my_module": network}
    with plt.rc_context({"backend": "agg"}):
        exec(block, names)
        assert [axes.get_title() for axes in plt.gcf().axes if axes.get_title()], "a map was drawn"
        plt.close("all")
    evidence = names["evidence"]
    assert evidence.evidence.shape == (64, 64)
    assert evidence.target_name in ("healthy", "ill")
    assert np.abs(evidence.evidence).max() > 1e-4
    assert network.training, "nothing of the module is changed"


def test_the_first_lines_of_python_in_readme_explain_an_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the classifier of digits in the place of that which would be downloaded."""
    (block,) = (one for one in BLOCKS if "load_classifier" in one)
    load, asked = classifiers.load_classifier, []

    def load_digits(name: str) -> classifiers.Classifier:
        asked.append(name)
        return load("digits")

    monkeypatch.setattr(classifiers, "load_classifier", load_digits)
    ready_to_run(tmp_path, "bird.jpg", monkeypatch)
    exec(block, {})
    name, strongest, unit = capsys.readouterr().out.split()
    assert asked == ["squeezenet1_1"]
    assert name in "0123456789"
    assert float(strongest) > 0
    assert unit == "bits"


def test_every_block_of_python_is_tried() -> None:
    assert len(BLOCKS) == 2
