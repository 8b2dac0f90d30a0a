"""What replaces windows: samples, reference folders, blur, inpainting, grey."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from reference import preprocess, to_pixels

from engine.conftest import BEE_EATER, Open
from pda_studio import explain
from pda_studio.classifiers import Classifier, Preprocessing
from pda_studio.errors import PdaStudioError, UsageError
from pda_studio.infills import INFILLS, InfillSettings
from pda_studio.pda.infill.base import Filler
from pda_studio.pda.infill.folders import load_references
from pda_studio.pda.infill.statistics import shipped_statistics

STOCHASTIC = [
    "conditional-samples",
    "conditional-empirical-mean",
    "marginal-samples",
    "marginal-empirical-mean",
]


@pytest.fixture(scope="module")
def view(image: Open) -> NDArray[np.uint8]:
    return preprocess(image(BEE_EATER), 256, 224)


def filler_of(view: NDArray[np.uint8], name: str, window: int = 6, **changes: object) -> Filler:
    options: dict[str, object] = {"outer": 10, "samples": 4, "seed": 0}
    options |= {"statistics": shipped_statistics("natural")} | changes
    pixels = torch.from_numpy(to_pixels(view)).float()
    settings = InfillSettings(**options)  # type: ignore[arg-type]
    return INFILLS[name].filler(pixels, (window, window), settings)


def corners_of(last: int, number: int = 40) -> NDArray[np.int64]:
    random = np.random.default_rng(0)
    some = random.integers(0, last + 1, (number, 2))
    edges = np.array([[0, 0], [0, last], [last, 0], [last, last], [0, last // 2], [last // 2, 0]])
    return np.unique(np.concatenate([some, edges]), axis=0)


@pytest.fixture(scope="module")
def reference_images() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (5, 224, 224, 3), np.uint8)


@pytest.mark.parametrize("from_folder", [False, True])
@pytest.mark.parametrize("name", STOCHASTIC)
def test_samples_depend_on_seed_and_place_alone(
    name: str, from_folder: bool, view: NDArray[np.uint8], reference_images: NDArray
) -> None:
    references = reference_images if from_folder else None
    filler = filler_of(view, name, references=references)
    corners = corners_of(218)
    at_once = filler.fill(corners)
    shuffled = np.random.default_rng(2).permutation(len(corners))
    back = np.argsort(shuffled)
    again = filler_of(view, name, references=references)
    one_by_one = torch.cat([again.fill(corners[i : i + 1]) for i in shuffled])[back]
    by_seven = torch.cat(
        [again.fill(corners[shuffled[i : i + 7]]) for i in range(0, len(corners), 7)]
    )[back]
    for other in (one_by_one, by_seven):
        torch.testing.assert_close(other, at_once, rtol=0, atol=2e-6)
    assert at_once.shape == (len(corners), filler.samples, 3, 6, 6)
    assert at_once.min() >= 0
    assert at_once.max() <= 1
    for changed in (
        filler_of(view, name, references=references, seed=1).fill(corners),
        filler.fill(corners, repetition=1),
    ):
        differing = (changed - at_once).flatten(1).abs().amax(1) > 1e-3
        # Two images of five may be the same ones by chance; Gaussian samples never are.
        assert differing.float().mean() > (0.5 if from_folder and filler.samples == 1 else 0.99)


def test_maps_use_the_same_samples_whatever_the_stride(
    digits: Classifier, digit_image: object
) -> None:
    image = digit_image(7)  # type: ignore[operator]
    options = {"method": "original-pda", "samples": 3, "seed": 4, "window": 4}
    options["precision"] = "float32"  # bfloat16 is taken where a measurement says that it pays
    fine = explain(image, digits, stride=2, batch=5, **options).scores  # type: ignore[arg-type]
    coarse = explain(image, digits, stride=4, batch=64, **options).scores  # type: ignore[arg-type]
    assert fine is not None
    assert coarse is not None
    where = {tuple(corner): i for i, corner in enumerate(fine.grid.corners.tolist())}
    same = [where[tuple(corner)] for corner in coarse.grid.corners.tolist()]
    np.testing.assert_allclose(fine.logit[same], coarse.logit, rtol=0, atol=1e-4)
    assert fine.logit.std() > 0.01


def test_empirical_mean_is_the_mean_of_the_samples(view: NDArray[np.uint8]) -> None:
    corners = corners_of(218)
    for distribution in ("conditional", "marginal"):
        samples = filler_of(view, f"{distribution}-samples").fill(corners)
        mean = filler_of(view, f"{distribution}-empirical-mean").fill(corners)
        torch.testing.assert_close(mean, samples.mean(1, keepdim=True), rtol=0, atol=2e-6)


def test_reference_samples_are_the_same_place_of_the_folders_images(
    tmp_path: Path, view: NDArray[np.uint8]
) -> None:
    random = np.random.default_rng(3)
    (tmp_path / "deeper").mkdir()
    for i in range(6):
        noise = random.integers(0, 256, (230 + 9 * i, 260, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / ("deeper" if i % 2 else "") / f"{i}.png")
    (tmp_path / "notes.txt").write_text("no image")
    preprocessing = Preprocessing(resize=256, size=224, mean=(0, 0, 0), std=(1, 1, 1))
    references = load_references(tmp_path, preprocessing, seed=0)
    wanted = np.stack(
        [preprocess(Image.open(path), 256, 224) for path in sorted(tmp_path.rglob("*.png"))]
    )
    assert sorted(r.tobytes() for r in references) == sorted(w.tobytes() for w in wanted)

    samples = 50
    corners = corners_of(213)
    filler = filler_of(view, "marginal-samples", window=11, samples=samples, references=references)
    filled = (filler.fill(corners) * 255).round().to(torch.uint8).permute(0, 1, 3, 4, 2).numpy()
    chosen = np.zeros(len(wanted))
    for (top, left), infills in zip(corners, filled, strict=True):
        here = wanted[:, top : top + 11, left : left + 11]
        for one in infills:
            (match,) = np.flatnonzero((here == one).all((1, 2, 3)))
            chosen[match] += 1
    share = chosen / chosen.sum()
    # Each image as often as any other, within five standard errors.
    assert np.abs(share - 1 / 6).max() < 5 * np.sqrt(5 / 36 / chosen.sum())


def test_reference_folder_reaches_the_map(
    tmp_path: Path, digits: Classifier, digit_image: object
) -> None:
    image = digit_image(3)  # type: ignore[operator]
    Image.new("L", (28, 28), 0).save(tmp_path / "black.png")
    black = explain(image, digits, "original-pda", stride=4, samples=2, reference=tmp_path)
    statistics = explain(image, digits, "original-pda", stride=4, samples=2)
    assert black.standard_error is not None
    assert black.standard_error.max() == pytest.approx(0, abs=1e-4)  # there is only one image
    assert not np.allclose(black.evidence, statistics.evidence, atol=0.1)
    with pytest.raises(PdaStudioError, match="no folder"):
        explain(image, digits, "original-pda", stride=4, reference=tmp_path / "none")


@pytest.mark.parametrize("k", [1, 4, 10, 31])
def test_blur_is_opencvs_of_the_whole_image(k: int, view: NDArray[np.uint8]) -> None:
    corners = corners_of(224 - k)
    found = filler_of(view, "blur", window=k).fill(corners)[:, 0].permute(0, 2, 3, 1).numpy()
    whole = cv2.GaussianBlur(
        view.astype(np.float32) / 255, (0, 0), k / 2, borderType=cv2.BORDER_REFLECT
    )
    for (top, left), window in zip(corners, found, strict=True):
        np.testing.assert_array_equal(window, whole[top : top + k, left : left + k])


@pytest.mark.parametrize("k", [1, 2, 4, 10, 17, 40])
@pytest.mark.parametrize(
    ("name", "flag"),
    [("inpaint-telea", cv2.INPAINT_TELEA), ("inpaint-navier-stokes", cv2.INPAINT_NS)],
)
def test_inpainting_a_cut_out_is_inpainting_the_whole_image(
    name: str, flag: int, k: int, view: NDArray[np.uint8]
) -> None:
    last = 224 - k
    near = [0, 1, 2, 7, 8, 9, last // 2, last - 9, last - 8, last - 7, last - 1, last]
    corners = np.array([(y, x) for y in near for x in near][:: 3 if k < 40 else 7])
    found = filler_of(view, name, window=k).fill(corners)[:, 0].permute(0, 2, 3, 1).numpy()
    for (top, left), window in zip(corners, found, strict=True):
        mask = np.zeros((224, 224), np.uint8)
        mask[top : top + k, left : left + k] = 1
        whole = cv2.inpaint(view, mask, 3, flag)
        wanted = whole[top : top + k, left : left + k]
        np.testing.assert_array_equal((window * 255).round().astype(np.uint8), wanted)


def test_grey_is_one_half(view: NDArray[np.uint8]) -> None:
    filled = filler_of(view, "grey").fill(corners_of(218, 5))
    assert filled.shape[1:] == (1, 3, 6, 6)
    assert (filled == 0.5).all()


def test_means_do_not_depend_on_the_window_itself(view: NDArray[np.uint8]) -> None:
    """What is taken out must not shine through."""
    corner = np.array([[100, 90]])
    changed = view.copy()
    changed[100:106, 90:96] = 255 - changed[100:106, 90:96]
    for name in ("conditional-mean", "conditional-samples", "inpaint-telea", "marginal-mean"):
        before = filler_of(view, name).fill(corner)
        after = filler_of(changed, name).fill(corner)
        torch.testing.assert_close(before, after, rtol=0, atol=0)


def test_declarations_tell_what_an_infill_takes() -> None:
    gaussian = {"colour", "statistics"}
    sampled = gaussian | {"samples", "seed"}
    takes = {name: infill.takes for name, infill in INFILLS.items()}
    assert takes["conditional-mean"] == gaussian | {"outer"}
    assert takes["conditional-samples"] == sampled | {"outer"}
    assert takes["conditional-empirical-mean"] == sampled | {"outer"}
    assert takes["marginal-mean"] == gaussian
    assert takes["marginal-samples"] == takes["marginal-empirical-mean"] == sampled | {"reference"}
    for name in ("grey", "blur", "inpaint-telea", "inpaint-navier-stokes"):
        assert not takes[name]
    assert [name for name, infill in INFILLS.items() if infill.stochastic] == [
        name for name in INFILLS if name in STOCHASTIC
    ]


@pytest.mark.parametrize("name", list(INFILLS))
def test_a_filler_is_what_its_declaration_says(name: str, view: NDArray[np.uint8]) -> None:
    filler, infill = filler_of(view, name), INFILLS[name]
    assert filler.stochastic == infill.stochastic
    assert filler.samples == infill.count(4)
    assert filler.fill(corners_of(218, 3)).shape[1] == filler.samples
    if infill.preview:
        assert not INFILLS[infill.preview].stochastic


def test_a_preferred_distribution_finds_its_infill() -> None:
    for kind in ("mean", "samples", "empirical-mean"):
        conditional, marginal = INFILLS[f"conditional-{kind}"], INFILLS[f"marginal-{kind}"]
        assert conditional.under("marginal") is marginal is marginal.under("marginal")
        assert marginal.under("conditional") is conditional is conditional.under("conditional")
    assert INFILLS["blur"].under("marginal") is INFILLS["blur"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"window": 10, "outer": 10}, "at least 11"),
        ({"window": 10, "outer": 65}, "larger than the 64"),
        ({"statistics": shipped_statistics("digits")}, "channels"),
    ],
)
def test_impossible_patches_are_refused(
    options: dict[str, object], words: str, view: NDArray[np.uint8]
) -> None:
    with pytest.raises(UsageError, match=words):
        filler_of(view, "conditional-mean", **options)
