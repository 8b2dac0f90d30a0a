"""Every kind of file and of image in README, opened one after the other through one window."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from driver import WAIT, wait_for_maps
from engine.network_files import FILES, SIZE
from engine.network_folders import timm_folder, transformers_folder
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot
from test_image_kinds import KINDS
from torch import nn

from pda_studio.classifiers.answers import answers_beside
from pda_studio.classifiers.spec import ClassifierSpec, write_spec
from pda_studio.gui.opening.answers_dialog import AnswersDialog
from pda_studio.gui.window.studio import Studio
from pda_studio.images import read_image
from pda_studio.methods import Method, method_named

pytest.importorskip("onnx2pytorch")
pytest.importorskip("timm")
pytest.importorskip("transformers")

COLOURS = np.random.default_rng(5).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
Forward = Callable[[torch.Tensor], torch.Tensor]


def occlusion(window: int) -> Method:
    """Windows that turn grey, side by side, each scored by the whole network, before its softmax.

    There float32 is as exact as it can be; probabilities near 1 have lost digits.
    """
    exact = {"forward": "full", "precision": "float32", "difference": "logit"}
    return method_named("occlusion")(window=window, stride=window, **exact)


def occluded(
    network: Forward, pixels: torch.Tensor, output: str, target: int, window: int
) -> NDArray[np.float64]:
    """The same by its definition, with nothing but torch: the network gets pixels of 0 to 1."""
    _, height, width = pixels.shape
    places = [(top, left) for top in range(0, height, window) for left in range(0, width, window)]
    images = pixels.repeat(1 + len(places), 1, 1, 1)
    for image, (top, left) in zip(images[1:], places, strict=True):
        image[:, top : top + window, left : left + window] = 0.5
    with torch.inference_mode():
        answers = network(images).double()
    before_its_end: dict[str, Forward] = {
        "probabilities": torch.log,
        "sigmoid-probabilities": torch.logit,
    }
    scores = before_its_end.get(output, lambda z: z)(answers)[:, target]
    evidence = np.zeros((height, width))
    for score, (top, left) in zip(scores[1:], places, strict=True):
        evidence[top : top + window, left : left + window] = scores[0] - score
    return evidence


def normalised(network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> Forward:
    """The network behind its normalisation; of several outputs, the one with the classes."""

    def forward(pixels: torch.Tensor) -> torch.Tensor:
        values = (pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
        found = network(values)
        found = getattr(found, "logits", found)
        return found[1] if isinstance(found, tuple) else found

    return forward


Opened = tuple[str, Path, Forward, int, str]


def classifiers(folder: Path) -> Iterator[Opened]:
    """Each file with what it holds: a network in torch, its channels and its kind of output."""
    for number, (what, (name, make, save, more)) in enumerate(FILES.items(), start=1):
        network = make().eval()
        if what != "Python file":  # every other file gets a network of its own, or maps are known
            bias = list(network.parameters())[-1]
            bias.data = (bias.data + number / 64).half().float()
        save(network, folder / name)
        if what == "bfloat16":
            network = network.to(torch.bfloat16).float()
        channels = more.get("channels", 3)
        mean, std = (0.5,) * channels, (0.25,) * channels
        said = {name: value for name, value in more.items() if name != "trust"}
        answers = ClassifierSpec.of(input_size=SIZE, mean=mean, std=std, **said)
        write_spec(answers, answers_beside(folder / name))
        output = more.get("output", "sigmoid-logits" if what == "one output" else "logits")
        yield what, folder / name, normalised(network, mean, std), channels, output
    for what, make_folder in (("timm", timm_folder), ("transformers", transformers_folder)):
        network = normalised(make_folder(folder / what), (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
        yield f"folder of {what}'s", folder / what, network, 3, "logits"


def test_every_file_of_a_classifier_is_explained_in_one_window(
    studio: Studio,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))  # nothing is trusted yet
    Image.fromarray(COLOURS).save(tmp_path / "colours.png")
    grey = np.array(Image.fromarray(COLOURS).convert("L"))[..., None]
    session, column = studio.session, studio.session.work.columns[0].key
    studio.open_files([tmp_path / "colours.png"])
    qtbot.waitUntil(lambda: session.work.image.name == "colours.png", timeout=WAIT)

    def questions() -> list[QMessageBox]:
        return studio.window.findChildren(QMessageBox)

    seen: set[str] = set()
    for what, path, network, channels, output in classifiers(tmp_path):
        studio.open_files([path])
        if FILES.get(what, ("", None, None, {}))[3].get("trust"):
            qtbot.waitUntil(lambda: bool(questions()), timeout=WAIT)
            assert session.classifier.weights != path.name, f"{what} ran before it was trusted"
            (run,) = (one for one in questions()[0].buttons() if one.text() == "Run it")
            run.click()
        qtbot.waitUntil(
            lambda name=path.name: session.classifier.weights == name and not studio.opening.busy,
            timeout=WAIT,
        )
        for form in studio.window.findChildren(AnswersDialog):  # the likeliest of several
            form.reject()
        session.columns.set_method(column, occlusion(8))
        wait_for_maps(qtbot, studio)
        (shown,) = session.all_finished()
        assert shown.weights == path.name
        image = torch.from_numpy(grey if channels == 1 else COLOURS).permute(2, 0, 1) / 255
        wanted = occluded(network, image, output, shown.target.index, 8)
        strongest = np.abs(wanted).max()
        assert strongest > 1e-3, what
        np.testing.assert_allclose(
            shown.evidence, wanted, rtol=0, atol=1e-5 * strongest, err_msg=what
        )
        seen.add(what)
        studio.window.banner.message.clear()
        qtbot.waitUntil(lambda: not studio.window.findChildren(AnswersDialog), timeout=WAIT)
    assert len(seen) >= 40


def test_every_kind_of_image_is_explained_in_one_window(
    studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    session, column = studio.session, studio.session.work.columns[0].key
    banner = studio.window.banner
    session.columns.set_method(column, occlusion(14))
    digits = session.classifier
    preprocessing = digits.preprocessing

    def network(pixels: torch.Tensor) -> torch.Tensor:
        return digits.network(preprocessing.normalise(pixels))

    explained = refused = 0
    for kind in KINDS:
        path = tmp_path / kind.name
        kind.write(path)
        before = session.work.image
        banner.message.clear()
        studio.open_files([path])
        if kind.refused:
            qtbot.waitUntil(lambda: banner.message.text() != "", timeout=WAIT)
            assert re.search(kind.refused, banner.message.text()), kind.name
            assert session.work.image is before, kind.name
            refused += 1
            continue
        qtbot.waitUntil(lambda name=kind.name: session.work.image.name == name, timeout=WAIT)
        wait_for_maps(qtbot, studio)
        (shown,) = session.all_finished()
        pixels = preprocessing.pixels(preprocessing.view(read_image(path)))
        wanted = occluded(network, pixels, "logits", shown.target.index, 14)
        strongest = np.abs(wanted).max()
        assert strongest > 1e-3, kind.name
        np.testing.assert_allclose(
            shown.evidence, wanted, rtol=0, atol=1e-5 * strongest, err_msg=kind.name
        )
        explained += 1
    assert explained >= 40
    assert refused >= 10
