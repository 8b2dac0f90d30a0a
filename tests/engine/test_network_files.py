"""Classifiers in files of every kind, by Python and by the command line; bad ones are refused."""

import json
import logging
import py_compile
import re
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.network_files import FILES, SIZE, bad_files
from engine.network_folders import timm_folder, transformers_folder
from pda_studio import explain, load_classifier
from pda_studio.classifiers import architectures, index, trust
from pda_studio.classifiers.answers import (
    answers_beside,
    answers_elsewhere,
    keep_answers,
    kept_answers,
)
from pda_studio.classifiers.architectures import Fits, architectures_of, matched
from pda_studio.classifiers.class_names import names_in, read_class_names, text_of
from pda_studio.classifiers.outlines import outline_of
from pda_studio.classifiers.spec import ClassifierSpec, read_spec, write_spec
from pda_studio.classifiers.transformers_folders import preprocessing_said
from pda_studio.cli import main
from pda_studio.errors import PdaStudioError
from pda_studio.store import load_map

pytest.importorskip("onnx2pytorch")
pytest.importorskip("timm")

IMAGE = np.random.default_rng(5).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
CELLS: dict[str, Any] = {"window": 8, "stride": 8, "infill": "grey", "forward": "full"}
LINE = ["--window", "8", "--stride", "8", "--infill", "grey", "--forward", "full", "--no-cache"]


def spec_for(what: str) -> dict[str, Any]:
    more = FILES[what][3]
    channels = more.get("channels", 3)
    said = {"input_size": SIZE, "mean": (0.5,) * channels, "std": (0.25,) * channels, **more}
    said.pop("trust", None)
    return said


@pytest.mark.parametrize("what", FILES)
def test_a_file_of_every_kind_is_the_network_itself(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, make, save, more = FILES[what]
    path, network, said = tmp_path / name, make().eval(), spec_for(what)
    save(network, path)
    assert path.stat().st_size <= 1e6
    if what == "bfloat16":
        network = network.to(torch.bfloat16).float()
    direct = {"preprocessing": {k: v for k, v in said.items() if k not in ("output", "select")},
              "output": said.get("output"), "select": said.get("select")}  # fmt: skip
    wanted = explain(IMAGE, network, "occlusion", **direct, **CELLS)
    strongest = np.abs(wanted.evidence).max()
    assert strongest > 1e-3

    trusted = more.get("trust", False)
    loaded = load_classifier(path, device="cpu", trust=trusted, **direct)
    found = explain(IMAGE, loaded, "occlusion", **CELLS)
    np.testing.assert_allclose(found.evidence, wanted.evidence, rtol=0, atol=1e-5 * strongest)
    assert found.weights == name

    write_spec(ClassifierSpec.of(**said), answers_beside(path))
    Image.fromarray(IMAGE).save(tmp_path / "image.png")
    words = ["explain", str(tmp_path / "image.png"), "--classifier", str(path), "--device", "cpu",
             "--method", "occlusion", "--output", str(tmp_path / "map.npz"), *LINE]  # fmt: skip
    assert main(words) == 0, capsys.readouterr().err
    again = load_map(tmp_path / "map.npz")
    np.testing.assert_allclose(again.evidence, wanted.evidence, rtol=0, atol=1e-5 * strongest)


def test_there_are_enough_kinds() -> None:
    assert len(FILES) >= 30


def test_names_of_classes_come_from_the_file_or_the_catalogue(tmp_path: Path) -> None:
    for what, names in (
        ("safetensors with names", ("benign", "malignant")),
        ("state_dict", ("class 0", "class 1")),
        ("one output", ("positive class",)),
        ("Python file", ("a", "b", "c")),
    ):
        name, make, save, more = FILES[what]
        save(make(), tmp_path / name)
        loaded = load_classifier(tmp_path / name, trust=more.get("trust", False))
        assert loaded.class_names == names


def test_the_architecture_is_seen_from_names_and_shapes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, make, save, _ = FILES["named otherwise"]
    path = tmp_path / name
    save(make(), path)
    loaded = load_classifier(path)
    assert (loaded.name, loaded.input_size) == ("shufflenet_v2_x0_5", (224, 224))
    assert loaded.fits == Fits(("shufflenet_v2_x0_5",), 282, sure=False)
    with pytest.raises(PdaStudioError, match="are not resnet18's: 1 of its 102 tensors fit, but"):
        load_classifier(path, preprocessing={"architecture": "resnet18"})
    Image.fromarray(IMAGE).save(tmp_path / "image.png")
    line = ["predict", str(tmp_path / "image.png"), "--classifier", str(path)]
    assert main(line) == 0
    said = capsys.readouterr().err
    assert "is taken as shufflenet_v2_x0_5: all 282 tensors of it fit" in said
    assert main([*line, "--architecture", "shufflenet_v2_x0_5"]) == 0
    assert capsys.readouterr().err == ""
    assert main([*line, "--architecture", "timm/no_such"]) == 2
    assert "no network “timm/no_such”" in capsys.readouterr().err
    named = path.rename(tmp_path / "shufflenet_v2_x0_5-of-mine.pth")
    assert load_classifier(named).fits == Fits(("shufflenet_v2_x0_5",), 282, sure=True)


def test_several_architectures_may_fit_and_the_name_decides_between_them_alone() -> None:
    both = ("timm/efficientnet_b0", "timm/tf_efficientnet_b0", "timm/efficientnet_blur_b0")
    shapes = dict(outline_of(both[1]).shapes)
    shapes["classifier.weight"], shapes["classifier.bias"] = (7, 1280), (7,)
    shapes["conv_stem.weight"] = (32, 1, 3, 3)
    wrapped = {f"student.{name}": shape for name, shape in shapes.items()}
    for given in (shapes, {**wrapped, "teacher.head": (3, 3)}):
        assert architectures_of(given, "vgg16.pth") == Fits(both, 311, sure=False)
        named = architectures_of(given, "tf_efficientnet_b0_aa-827b6e33.pth")
        assert (named.names[0], named.sure) == (both[1], True)
    match = matched(both[1], shapes)
    assert (match.problem, match.classes, match.channels) == ("", 7, 1)
    ours = architectures_of(outline_of("resnet18").shapes, "mine.pth").names
    assert ours == ("resnet18", "timm/resnet18", "timm/resnetblur18")


@pytest.mark.parametrize("name", ["digits", "densenet121", "timm/test_vit", "timm/vgg11"])
def test_the_index_is_that_of_the_networks(name: str) -> None:
    shapes = outline_of(name).shapes
    assert name in index.fitting(shapes)
    lacking = dict(list(shapes.items())[:-1])
    assert index.fitting(lacking) == []


def test_without_timm_its_networks_are_named_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shapes = outline_of("timm/test_vit").shapes
    monkeypatch.setattr(architectures, "has_timm", lambda: False)
    with pytest.raises(PdaStudioError, match=r"those of timm's test_vit: .*pda-studio\[timm\]"):
        architectures_of(shapes, "a.pth")
    ours = architectures_of(outline_of("resnet18").shapes, "mine.pth").names
    assert ours == ("resnet18",)


# -- bad files -------------------------------------------------------------------------------------


def test_bad_files_are_one_sentence_and_nothing_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = tmp_path / "it ran"
    (tmp_path / "bad").mkdir()
    bad = bad_files(tmp_path / "bad", mark)
    assert len(bad) >= 20
    Image.fromarray(IMAGE).save(tmp_path / "image.png")
    capsys.readouterr()
    for what, (path, words) in bad.items():
        with pytest.raises(PdaStudioError, match=words) as refused:
            load_classifier(path)
        assert "\n" not in str(refused.value), what
        assert not mark.exists(), f"{what} was run"
    for what in ("truncated ONNX", "pickle with code", "Python file"):
        line = ["predict", str(tmp_path / "image.png"), "--classifier", str(bad[what][0])]
        assert main(line) == 1
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert not mark.exists()


# -- trust -----------------------------------------------------------------------------------------


def test_code_is_trusted_by_its_content_until_that_is_withdrawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    name, make, save, _ = FILES["Python file"]
    path = tmp_path / name
    save(make(), path)
    with pytest.raises(trust.NeedsTrust, match="--trust"):
        load_classifier(path)
    load_classifier(path, trust=True)
    load_classifier(path)
    moved = path.rename(tmp_path / "moved.py")
    load_classifier(moved)
    moved.write_text(moved.read_text() + "\n# changed\n")
    with pytest.raises(trust.NeedsTrust):
        load_classifier(moved)
    trust.remember(moved)
    load_classifier(moved)
    assert trust.withdraw(moved)
    assert not trust.withdraw(moved)
    with pytest.raises(trust.NeedsTrust):
        load_classifier(moved)


def test_compiled_code_beside_a_program_is_not_run(tmp_path: Path) -> None:
    """What is trusted is the file that one can read."""
    path, other = tmp_path / "own.py", tmp_path / "other.py"
    path.write_text("raise ValueError('what one reads')")
    other.write_text("raise ValueError('another')")
    never = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(other), cache_from_source(str(path)), invalidation_mode=never)
    with pytest.raises(PdaStudioError, match="what one reads"):
        load_classifier(str(path), trust=True)
    assert len(list((tmp_path / "__pycache__").iterdir())) == 1  # and nothing is left there


def test_programs_that_fail_are_one_sentence(tmp_path: Path) -> None:
    for text, words in (
        ("1 / 0", r"cannot be opened \(ZeroDivisionError"),
        ("x = 1", "has no function build"),
        ("def build(): return 3", "returns a int"),
        ("def build(:", "SyntaxError"),
    ):
        path = tmp_path / "own.py"
        path.write_text(text)
        with pytest.raises(PdaStudioError, match=words):
            load_classifier(path, trust=True)


def test_trust_is_listed_and_withdrawn_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    paths = [tmp_path / f"{number}.py" for number in range(3)]
    for path in paths:
        path.write_text(f"# {path.name}")
        trust.remember(path)
    assert main(["trust"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=1)[1] for line in listed] == [str(path) for path in paths]
    paths[0].unlink()
    for path in paths[:2]:
        assert main(["trust", "--withdraw", str(path), "--json"]) == 0
    (left,) = json.loads(capsys.readouterr().out.split("]\n")[1] + "]")
    assert left == {"file": str(paths[2]), "sha256": trust.fingerprint(paths[2])}
    assert main(["trust", "--withdraw", str(paths[1])]) == 2
    assert "is not trusted" in capsys.readouterr().err
    assert main(["trust", "--withdraw-all"]) == 0
    assert capsys.readouterr().out == "No file is trusted.\n"


# -- answers ---------------------------------------------------------------------------------------


def test_answers_survive_their_file(tmp_path: Path) -> None:
    said = ClassifierSpec.of(
        input_size=64, resize=70, mean=(0.1, 0.2, 0.3), std=(1e-5, 2.0, 3.0), value_range=(-1, 1),
        output="values", select="heads.0", class_names=('“a”\n"b"', "ß\t\\", "𝛼"),
    )  # fmt: skip
    write_spec(said, tmp_path / "a.toml")
    assert read_spec(tmp_path / "a.toml") == said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("input_size = 0", "input_size"),
        ("sise = 3", "no answer “sise”"),
        ("output = 'tanh'", "no kind of output “tanh”"),
        ("mean = [1.0, 2.0]\nstd = [1.0, 1.0, 1.0]", "one value, or one for each channel"),
        ("mean = [inf]", "not finite"),
        ("a = ", "no TOML file"),
        ("\x00", "no TOML file"),
    ],
)
def test_wrong_answers_are_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(PdaStudioError, match=words):
        read_spec(tmp_path / "a.toml")


@pytest.mark.parametrize(
    "text",
    ["a\nb\nc", '["a", "b", "c"]', '{"0": "a", "1": "b", "2": "c"}', '{"a": 0, "c": 2, "b": 1}',
     "0,a\n2,c\n1,b", "\ufeffa\r\nb\r\n\r\nc\r\n", "index,name\n0,a\n1,b\n2,c",
     'name;id;more\n"b";2;x\na;1;x\nc;3;x', "1\ta\n3\tc\n2\tb"],
)  # fmt: skip
def test_class_names_in_every_usual_form(text: str) -> None:
    assert names_in(text.removeprefix("\ufeff")) == ("a", "b", "c")


def test_names_with_commas_and_quotes_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('index,name\n1,"dog, wild"\n0,"the ""cat"""\n')
    names = ('the "cat"', "dog, wild")
    assert read_class_names(tmp_path / "a.csv") == names
    assert text_of(names) == "\n".join(names)
    for odd in (("[a", "b"), ("0,a", "1,b"), (" a", "b"), ("a", "")):
        assert names_in(text_of(odd)) == odd
    (tmp_path / "b.csv").write_bytes(b"\x89PNG\0\0")
    with pytest.raises(PdaStudioError, match="holds no class names"):
        read_class_names(tmp_path / "b.csv")


def test_the_command_line_tells_what_a_file_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    name, make, save, _ = FILES["ONNX, probabilities"]
    path = tmp_path / name
    network = make().eval()
    save(network, path)
    (tmp_path / "names.txt").write_text("cat\ndog\ncow\n")
    Image.fromarray(IMAGE).save(tmp_path / "image.png")
    told = ["--input-size", "32", "--mean", "0.4,0.5,0.6", "--std", "0.25", "--output-kind",
            "probabilities", "--class-names", str(tmp_path / "names.txt")]  # fmt: skip
    line = ["predict", str(tmp_path / "image.png"), "--classifier", str(path)]
    assert main([*line, *told, "--save-answers"]) == 0
    first = capsys.readouterr().out
    assert all(name in first for name in ("cat", "dog", "cow"))
    apart = re.search(r"The outputs differ from onnxruntime's by (\S+) of the largest\.", first)
    same = "The outputs are exactly those of onnxruntime." in first
    assert same or 0 < float(apart[1]) < 1e-5
    assert read_spec(answers_beside(path)).mean == (0.4, 0.5, 0.6)
    assert main(line) == 0
    assert capsys.readouterr() == (first, ""), "the answers lie beside the file"
    wanted = network((torch.from_numpy(IMAGE).permute(2, 0, 1)[None] / 255
                      - torch.tensor([0.4, 0.5, 0.6])[:, None, None]) / 0.25)  # fmt: skip
    assert f"{100 * wanted.max().item():.2f} %" in first
    assert main([*line, "--channel-order", "BGR"]) == 0
    swapped = network((torch.from_numpy(IMAGE[..., ::-1].copy()).permute(2, 0, 1)[None] / 255
                       - torch.tensor([0.4, 0.5, 0.6])[:, None, None]) / 0.25)  # fmt: skip
    assert f"{100 * swapped.max().item():.2f} %" in capsys.readouterr().out
    assert swapped.max() != wanted.max()
    assert main([*line, "--mean", "a,b"]) == 2
    assert "--mean takes numbers" in capsys.readouterr().err
    assert main(["predict", str(tmp_path / "image.png"), "--input-size", "32"]) == 2
    assert "digits is in the catalogue" in capsys.readouterr().err


def test_answers_go_into_the_settings_where_nothing_can_be_written_beside(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    name, make, save, _ = FILES["TorchScript, traced"]
    path = tmp_path / name
    save(make(), path)
    answers_beside(path).mkdir()  # nobody may write a file of that name, not even root
    Image.fromarray(IMAGE).save(tmp_path / "image.png")
    line = ["predict", str(tmp_path / "image.png"), "--classifier", str(path)]
    assert main([*line, "--input-size", "32", "--mean", "0.4", "--save-answers"]) == 0
    said = capsys.readouterr()
    assert str(answers_elsewhere(path)) in said.err
    assert kept_answers(path).mean == (0.4,)
    assert main(line) == 0
    assert capsys.readouterr().out == said.out
    answers_beside(path).rmdir()
    assert keep_answers(path, ClassifierSpec.of(input_size=48)) == answers_beside(path)
    assert kept_answers(path).input_size == 48
    assert not answers_elsewhere(path).exists()


def test_a_converted_network_is_compared_with_its_runtime(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from pda_studio.classifiers.onnx import difference_from_runtime

    name, make, save, _ = FILES["ONNX of one batch"]
    save(make(), tmp_path / name)
    with caplog.at_level(logging.WARNING):
        loaded = load_classifier(tmp_path / name, device="cpu")
    prepared = loaded.prepare(loaded.preprocessing.pixels(loaded.preprocessing.view(IMAGE))[None])
    answer = loaded.logits(prepared)
    assert difference_from_runtime(tmp_path / name, prepared, answer) < 1e-5
    assert difference_from_runtime(tmp_path / name, prepared, answer + 1) > 1e-2


def test_a_network_that_is_converted_wrongly_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pda_studio.classifiers import onnx

    name, make, save, _ = FILES["ONNX of any batch"]
    save(make(), tmp_path / name)
    right = onnx.OnnxNetwork.forward
    monkeypatch.setattr(onnx.OnnxNetwork, "forward", lambda self, x: 1.1 * right(self, x))
    with pytest.raises(PdaStudioError, match="answers otherwise here than in onnxruntime"):
        load_classifier(tmp_path / name)


@pytest.mark.parametrize("what", ["TorchScript, traced", "torch.export", "ONNX of any batch"])
def test_a_network_of_one_piece_says_what_it_cannot(what: str, tmp_path: Path) -> None:
    """Perturbation and gradients of the input work; what needs its layers says so, or is right."""
    name, make, save, more = FILES[what]
    network = make().eval()
    save(network, tmp_path / name)
    given = {"preprocessing": {"input_size": SIZE, "mean": (0.5,), "std": (0.25,)}}
    loaded = load_classifier(tmp_path / name, trust=more.get("trust", False), **given)
    assert not loaded.is_traceable
    for method in ("saliency", "integrated-gradients"):
        found = explain(IMAGE, loaded, method)
        wanted = explain(IMAGE, network, method, **given)
        strongest = np.abs(wanted.evidence).max()
        np.testing.assert_allclose(found.evidence, wanted.evidence, atol=1e-4 * strongest)
    for method in ("guided-backpropagation", "lrp-epsilon", "deep-taylor", "neurons"):
        refused = r"one piece|converted from ONNX|piece-wise linear"
        with pytest.raises(PdaStudioError, match=refused):
            explain(IMAGE, loaded, method)
    if "ONNX" in what:
        found = explain(IMAGE, loaded, "grad-cam")
        wanted = explain(IMAGE, network, "grad-cam", at="body.5", **given)
        np.testing.assert_allclose(
            found.evidence, wanted.evidence, atol=1e-4 * np.abs(wanted.evidence).max()
        )
    else:
        with pytest.raises(PdaStudioError, match="needs a layer with maps"):
            explain(IMAGE, loaded, "grad-cam")


def test_other_weights_in_one_piece_are_another_classifier(tmp_path: Path) -> None:
    name, make, save, _ = FILES["TorchScript, traced"]
    prints = set()
    for factor in (1.0, 2.0):
        network = make().eval()
        network.head.weight.data.mul_(factor)
        save(network, tmp_path / name)
        prints.add(load_classifier(tmp_path / name).fingerprint)
    assert len(prints) == 2


# -- folders ---------------------------------------------------------------------------------------


def test_a_folder_of_timms_is_the_network_itself(tmp_path: Path) -> None:
    network = timm_folder(tmp_path / "net")
    given = {"input_size": SIZE, "mean": (0.4, 0.5, 0.6), "std": (0.2, 0.25, 0.3),
             "interpolation": "bicubic"}  # fmt: skip
    wanted = explain(IMAGE, network, "occlusion", preprocessing=given, **CELLS)
    for path in (tmp_path / "net", tmp_path / "net" / "config.json"):
        loaded = load_classifier(path, device="cpu")
        assert loaded.class_names == ("x", "y", "z")
        found = explain(IMAGE, loaded, "occlusion", **CELLS)
        strongest = np.abs(wanted.evidence).max()
        np.testing.assert_allclose(found.evidence, wanted.evidence, atol=1e-5 * strongest)


def test_a_folder_of_transformers_is_the_network_itself(tmp_path: Path) -> None:
    network = transformers_folder(tmp_path / "net")
    mean, std = torch.tensor([0.4, 0.5, 0.6]), torch.tensor([0.2, 0.25, 0.3])
    given = (torch.from_numpy(IMAGE).float().div(255) - mean) / std
    with torch.inference_mode():
        direct = network(given.permute(2, 0, 1)[None]).logits.softmax(1)[0].numpy()
    plain = {"input_size": SIZE, "mean": mean.tolist(), "std": std.tolist()}
    wanted = explain(IMAGE, network, "occlusion", preprocessing=plain, **CELLS)
    strongest = np.abs(wanted.evidence).max()
    assert strongest > 1e-3
    for path in (tmp_path / "net", tmp_path / "net" / "model.safetensors"):
        loaded = load_classifier(path, device="cpu")
        assert (loaded.name, loaded.class_names) == ("ViT", ("cat", "dog", "cow"))
        said = loaded.preprocessing
        assert (said.interpolation, said.fit, said.mean) == ("bicubic", "stretch", (0.4, 0.5, 0.6))
        np.testing.assert_allclose(loaded.predict(said.view(IMAGE)), direct, atol=1e-6)
        found = explain(IMAGE, loaded, "occlusion", **CELLS)
        np.testing.assert_allclose(found.evidence, wanted.evidence, atol=1e-5 * strongest)


def test_the_command_line_fits_images_as_a_folder_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    transformers_folder(tmp_path / "net")
    Image.fromarray(np.hstack([IMAGE, IMAGE[::-1]])).save(tmp_path / "wide.png")
    said = []
    for more in ([], ["--fit", "stretch"], ["--fit", "pad"]):
        line = ["predict", str(tmp_path / "wide.png"), "--classifier", str(tmp_path / "net")]
        assert main([*line, *more]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32},
          "do_center_crop": True}, {"input_size": 32, "resize": 40}),
        ({"size": {"shortest_edge": 32}, "crop_pct": 0.8}, {"input_size": 32, "resize": 40}),
        ({"size": 32, "do_normalize": False}, {"mean": (0.0,), "std": (1.0,)}),
        ({"do_rescale": False}, {"value_range": (0.0, 255.0)}),
        ({"do_flip_channel_order": True}, {"channel_order": "BGR", "mean": (0.0,), "std": (1.0,)}),
        ({"rescale_factor": 1 / 127.5, "rescale_offset": True}, {"value_range": (-1.0, 1.0)}),
    ],
)  # fmt: skip
def test_the_preprocessing_of_transformers_is_followed(
    more: dict[str, Any], wanted: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"size": 32, **more}))
    said = preprocessing_said(tmp_path).said()
    for name, value in wanted.items():
        assert said[name] == (value if isinstance(value, str) else pytest.approx(value)), name


def test_folders_that_do_not_open_are_one_sentence(tmp_path: Path) -> None:
    timm_folder(tmp_path / "a")
    (tmp_path / "a" / "model.safetensors").unlink()
    with pytest.raises(PdaStudioError, match=r"no model\.safetensors beside it"):
        load_classifier(tmp_path / "a")
    timm_folder(tmp_path / "b", architecture="no_such_net")
    with pytest.raises(PdaStudioError, match="no network “no_such_net”"):
        load_classifier(tmp_path / "b")
    timm_folder(tmp_path / "c", architecture=None, architectures=["BertForMaskedLM"])
    with pytest.raises(PdaStudioError, match=r"holds BertForMaskedLM, which is no image class"):
        load_classifier(tmp_path / "c")
    transformers_folder(tmp_path / "e")
    config = json.loads((tmp_path / "e" / "config.json").read_text())
    for changed, words in (
        ({"num_hidden_layers": 3}, "are not ViTForImageClassification's: the file lacks “vit"),
        ({"model_type": "no_such"}, "cannot be opened by transformers"),
        ({"model_type": "own", "auto_map": {"AutoConfig": "own.Config"}}, "by transformers"),
    ):
        (tmp_path / "e" / "config.json").write_text(json.dumps(config | changed))
        (tmp_path / "e" / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
        with pytest.raises(PdaStudioError, match=words) as refused:
            load_classifier(tmp_path / "e")
        assert "\n" not in str(refused.value)
    assert not (tmp_path / "ran").exists()
    timm_folder(tmp_path / "d", num_classes=7)
    with pytest.raises(PdaStudioError, match="are not test_resnet's"):
        load_classifier(tmp_path / "d")
    (tmp_path / "d" / "config.json").write_text("[1]")
    with pytest.raises(PdaStudioError, match="no configuration of a network"):
        load_classifier(tmp_path / "d")
