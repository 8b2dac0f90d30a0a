"""Files of weights: what is understood, and what is refused in a sentence that names the remedy."""

import argparse
import io
import json
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pda_studio import explain, load_classifier
from pda_studio.classifiers.digits import DigitsNetwork
from pda_studio.classifiers.networks import ToBeFilled, build
from pda_studio.classifiers.weights import read_weights
from pda_studio.errors import PdaStudioError

OWN = {name: tensor.clone() for name, tensor in DigitsNetwork().state_dict().items()}
FIRST = next(iter(OWN))


def prefixed(prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in OWN.items()}


def with_first(change: Callable[[torch.Tensor], torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**OWN, FIRST: change(OWN[FIRST])}


@pytest.mark.parametrize(
    "saved",
    [
        OWN,
        {"state_dict": OWN, "epoch": 3},
        {"model_state_dict": OWN, "epoch": 3},
        {"model": OWN, "optimizer": {"lr": 1.0}},
        {"net": OWN},
        {"ema": OWN},
        {"state_dict": OWN, "state_dict_ema": {k: v + 1 for k, v in OWN.items()}},
        {"state_dict": prefixed("model."), "hyper_parameters": {"lr": 1e-3}, "callbacks": {}},
        *(prefixed(one) for one in ("module.", "model.", "net.", "_orig_mod.", "module.model.")),
    ],
    ids=lambda saved: " ".join(list(saved)[:2]),
)
def test_checkpoints_as_they_are_usual(tmp_path: Path, saved: dict[str, Any]) -> None:
    torch.save(saved, tmp_path / "a.pth")
    read = read_weights(tmp_path / "a.pth")
    assert read.keys() == OWN.keys()
    assert all(torch.equal(read[name], OWN[name]) for name in OWN)


def test_eight_bit_floats_become_what_they_mean(tmp_path: Path) -> None:
    small = {name: tensor.to(torch.float8_e4m3fn) for name, tensor in OWN.items()}
    save_file(small, tmp_path / "a.safetensors")
    read = read_weights(tmp_path / "a.safetensors")
    assert all(tensor.dtype == torch.float32 for tensor in read.values())
    assert all(torch.equal(read[name], small[name].float()) for name in OWN)


@pytest.mark.parametrize(
    ("saved", "words"),
    [
        (with_first(lambda t: t.to_sparse()), "sparse"),
        (with_first(lambda t: t.to("meta")), "no values"),
        (with_first(lambda t: t.to(torch.complex64)), "complex"),
        (with_first(lambda t: torch.zeros(1).expand(10**12)), "larger than the whole file"),
        (with_first(lambda t: torch.full_like(t, float("nan"))), "not finite"),
        ({"epoch": 3}, "holds no state_dict"),
        ({}, "holds no state_dict"),
        ({"a": {"b": 1}}, "“a”"),
        ({**OWN, "config": argparse.Namespace(lr=1)}, "argparse.Namespace"),
        (DigitsNetwork(), "DigitsNetwork"),
    ],
)
@pytest.mark.filterwarnings("ignore:Validating sparse")
def test_what_cannot_be_weights(tmp_path: Path, saved: Any, words: str) -> None:
    torch.save(saved, tmp_path / "a.pth")
    with pytest.raises(PdaStudioError, match=words):
        read_weights(tmp_path / "a.pth")


def test_integers_are_not_cast_to_weights(tmp_path: Path) -> None:
    torch.save(with_first(lambda t: (t * 100).to(torch.int8)), tmp_path / "a.pth")
    with pytest.raises(PdaStudioError, match="integers"):
        load_classifier("digits", weights=tmp_path / "a.pth")


def scripted() -> bytes:
    data = io.BytesIO()
    torch.jit.save(torch.jit.trace(DigitsNetwork().eval(), torch.zeros(1, 1, 28, 28)), data)
    return data.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 4\n", "git lfs pull"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (scripted, "TorchScript"),
        (b"\x80\x02" + b"(" * 200_000, "more than it holds"),
        (b"\x00" * 100, "damaged"),
        (b"\x80\x02]q\x00.", "refused|no state_dict"),
    ],
)
@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_what_other_files_are_called(tmp_path: Path, content: Any, words: str) -> None:
    (tmp_path / "a.pth").write_bytes(content() if callable(content) else content)
    with pytest.raises(PdaStudioError, match=words):
        read_weights(tmp_path / "a.pth")


def test_what_unpacks_to_more_than_it_holds_is_refused_at_once(tmp_path: Path) -> None:
    torch.save(OWN, tmp_path / "a.pth")
    with (
        zipfile.ZipFile(tmp_path / "a.pth") as archive,
        zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for entry in archive.infolist():
            data = archive.read(entry)
            bomb.writestr(entry.filename, data + b"\0" * 20_000_000 * ("data/0" in entry.filename))
    began = time.monotonic()
    with pytest.raises(PdaStudioError, match="more than it holds"):
        read_weights(tmp_path / "bomb.pth")
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("part", np.linspace(0.01, 0.99, 12))
@pytest.mark.parametrize("zipped", [True, False])
def test_damaged_files_are_told_as_such(tmp_path: Path, part: float, zipped: bool) -> None:
    path = tmp_path / "a.pth"
    torch.save(OWN, path, _use_new_zipfile_serialization=zipped)
    data = bytearray(path.read_bytes())
    at = int(part * len(data))
    for damage in (data[:at], data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]):
        path.write_bytes(damage)
        with suppress(PdaStudioError):  # damage in a value may go unseen; nothing else is raised
            read_weights(path)


def test_class_names_nested_very_deep(tmp_path: Path) -> None:
    names = "[" * 100_000 + "]" * 100_000
    save_file(OWN, tmp_path / "a.safetensors", metadata={"class_names": names})
    from pda_studio.classifiers.weights import read_about

    with pytest.raises(PdaStudioError, match="another way than as a JSON list"):
        read_about(tmp_path / "a.safetensors")
    save_file(OWN, tmp_path / "b.safetensors", metadata={"class_names": json.dumps(["a", "b"])})
    assert read_about(tmp_path / "b.safetensors").class_names == ("a", "b")


def test_a_transformer_of_another_input_size(tmp_path: Path) -> None:
    import torchvision

    torch.manual_seed(0)
    network = torchvision.models.vit_b_16(image_size=64, num_classes=5)
    torch.save(network.state_dict(), tmp_path / "a.pth")
    loaded = load_classifier("vit_b_16", weights=tmp_path / "a.pth")
    assert loaded.input_size == (64, 64)
    probabilities = loaded.predict(np.zeros((64, 64, 3), np.uint8))
    assert probabilities.shape == (5,)


def test_the_input_size_of_the_largest_transformer() -> None:
    from pda_studio.classifiers.catalogue import without_weights

    assert without_weights("vit_h_14").network.image_size == 518


def test_threads_explain_at_once() -> None:
    image = np.zeros((28, 28, 3), np.uint8)
    image[4:24, 13:16] = 255
    methods = ["grad-cam", "saliency", "deconvnet", "lrp-epsilon", "efficient-pda"]
    shared = load_classifier("digits")
    meant = {
        name: explain(image, shared, name, stride=4).evidence
        if name == "efficient-pda"
        else explain(image, shared, name).evidence
        for name in methods
    }
    problems: list[str] = []

    def work(name: str, own: bool) -> None:
        try:
            classifier = load_classifier("digits") if own else shared
            options = {"stride": 4} if name == "efficient-pda" else {}
            for _ in range(2):
                made = explain(image, classifier, name, **options).evidence
                if not np.allclose(made, meant[name], atol=1e-4):
                    problems.append(f"{name} differs")
        except Exception as error:
            problems.append(f"{name}: {error!r}")

    threads = [threading.Thread(target=work, args=(m, own)) for m in methods for own in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


@pytest.mark.parametrize("name", ["squeezenet1_1", "swin_t"])  # also one of truncated normals
def test_no_random_weights_are_drawn_for_a_network_that_a_file_fills(name: str) -> None:
    before = torch.random.get_rng_state()
    with ToBeFilled():
        network = torch.nn.Conv2d(3, 4, 5)
        torch.nn.init.kaiming_uniform_(network.weight)
    assert torch.equal(torch.random.get_rng_state(), before)
    with ToBeFilled():
        outline = {key: one.shape for key, one in build(name, 32).state_dict().items()}
    with torch.device("meta"):
        assert outline == {key: one.shape for key, one in build(name, 32).state_dict().items()}
