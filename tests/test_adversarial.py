"""Adversarial images: the change against its definition, and what the study says of maps."""

import csv
import io

import numpy as np
import pytest
import torch

from pda_studio import load_image
from pda_studio.classifiers import load_classifier
from pda_studio.cli import main
from pda_studio.experiments.adversarial import attacked
from pda_studio.results import Subject


@pytest.fixture(scope="module")
def digits():
    return load_classifier("digits", device="cpu")


def test_one_step_goes_against_the_gradient(digits):
    pixels = np.random.default_rng(0).uniform(0.3, 0.7, (28, 28, 3)).astype(np.float32)
    subject = Subject.of_view(pixels, digits, digits.predict(pixels))
    got = attacked(subject, 3, 0.04, 1)
    given = torch.from_numpy(pixels[None, :, :, :1].copy()).permute(0, 3, 1, 2).requires_grad_()
    logits = digits.network(digits.prepare(given))
    torch.nn.functional.cross_entropy(logits, torch.tensor([3])).backward()
    expected = given.detach() - 0.01 * given.grad.sign()
    clear = given.grad[0, 0].abs().numpy() > 1e-5
    assert clear.sum() > 300
    assert np.allclose(got[clear, 0], expected[0, 0].numpy()[clear], atol=1e-6)
    assert got.shape == pixels.shape


def test_images_of_eight_bits_stay_within_the_radius(digits, image):
    subject = Subject.of(load_image(image), digits)
    view = attacked(subject, int(np.argsort(-subject.predictions)[1]), 40 / 255, 10)
    change = view.astype(int) - subject.view
    assert view.dtype == np.uint8
    assert np.abs(change).max() == 40
    assert digits.predict(view)[1] < subject.predictions[1]


def test_the_study_is_the_same_twice_and_says_whether_the_decision_changed(tmp_path, capsys, image):
    words = ["study", "adversarial", image, "--method", "guided-backpropagation", "saliency"]
    tables = []
    for run in range(2):
        path = tmp_path / f"{run}.csv"
        extra = ["--radius", "64", "--descent", "20", "--csv", path]
        main([str(word) for word in [*words, *extra, "--figure", tmp_path / "maps.svg"]])
        tables.append(path.read_text())
    assert tables[0] == tables[1]
    said = " ".join(capsys.readouterr().out.split())
    assert "A change of at most 64 of 255 changed the decision; maps of the decision by" in said
    rows = list(csv.DictReader(io.StringIO(tables[0])))
    assert [row["compared"] for row in rows] == ["same class"] * 2 + ["decision"] * 2
    assert all(-1 <= float(row["spearman"]) <= 1 for row in rows)
    assert (tmp_path / "maps.svg").stat().st_size > 10_000
    main([str(word) for word in [*words, "--radius", "0.5"]])
    said = " ".join(capsys.readouterr().out.split())
    assert "did not change the decision: choose a larger one." in said
