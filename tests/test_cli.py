"""The command line: what the verbs do and say."""

import io
import json
import os
import subprocess
import sys
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from pda_studio import __version__
from pda_studio.cli import main
from pda_studio.cli.parameters import merged, parameters_by_name
from pda_studio.methods import METHODS, Method, Progress
from pda_studio.parameters import Parameter, parameter
from pda_studio.pda.infill.statistics import load_statistics
from pda_studio.results import EvidenceMap, MadeImage
from pda_studio.store import load_map
from pda_studio.targets import ClassTarget

QUICK = ["--stride", "4", "--batch", "49"]


@pytest.fixture
def run(capsys):
    """Run a command line that must work; returns what it wrote to standard output."""

    def run(*words):
        capsys.readouterr()
        assert main([str(word) for word in words]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run


def test_explain_writes_a_map_a_figure_and_a_summary(tmp_path, run, image):
    output, figure = tmp_path / "map.npz", tmp_path / "panel.svg"
    out = run("explain", image, *QUICK, "--output", output, "--figure", figure)
    evidence_map = load_map(output)
    assert evidence_map.target_name == "1"
    assert evidence_map.complete
    assert evidence_map.parameters["stride"] == 4
    assert evidence_map.parameters["window"] == 4  # suits the classifier
    assert figure.read_text().startswith("<?xml")
    lines = out.splitlines()
    assert lines[0].startswith("1 (class 1): probability ")
    assert lines[0].endswith(" by digits")
    assert lines[1].startswith("Efficient PDA, ")
    assert lines[1].endswith(" s, evidence in bits:")
    row, column = np.unravel_index(evidence_map.evidence.argmax(), (28, 28))
    assert f"{evidence_map.evidence.max():+.3g} at row {row}, column {column}" in lines[2]
    assert lines[-2:] == [f"Wrote {output}", f"Wrote {figure}"]


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_runs_with_what_suits_the_classifier(tmp_path, run, image, method, capsys):
    known = METHODS[method].model_fields
    fewer = [word for name, word in (("stride", "4"), ("samples", "2")) if name in known
             for word in (f"--{name}", word)]  # fmt: skip
    fewer += ["--batch", "49"]
    words = ["explain", image, "--method", method, *fewer, "--output", tmp_path / "map.npz"]
    if method in ("attention-rollout", "attn-lrp", "patch-pda"):
        assert main([str(word) for word in words]) == 2
        told = capsys.readouterr().err
        assert "no attention" in told or "cut its input" in told
        return
    run(*words)
    evidence_map = load_map(tmp_path / "map.npz")
    assert evidence_map.method == method
    shown = evidence_map.image if isinstance(evidence_map, MadeImage) else evidence_map.evidence
    assert shown.shape[:2] == (28, 28)


def test_options_reach_the_method(tmp_path, run, image):
    words = ["--method", "original-pda", "--window", "7", "--stride", "7", "--samples", "3"]
    words += ["--seed", "5", "--infill", "marginal-samples", "--difference", "logit"]
    words += ["--colour", "independent", "--forward", "full", "--outer", "12"]
    words += ["--target", "7", "--device", "cpu"]
    out = run("explain", image, *words, "--output", tmp_path / "map.npz")
    evidence_map = load_map(tmp_path / "map.npz")
    assert evidence_map.parameters == {
        "window": 7,
        "outer": 12,
        "stride": 7,
        "samples": 3,
        "tolerance": 0.05,
        "precision": "auto",
        "at": "auto",
        "infill": "marginal-samples",
        "colour": "independent",
        "difference": "logit",
        "forward": "full",
        "statistics": None,
        "reference": None,
        "seed": 5,
    }
    assert evidence_map.target == ClassTarget(7)
    assert evidence_map.unit == "logit"
    assert evidence_map.standard_error is not None
    assert " ± " in out


def test_the_same_seed_gives_the_same_map(tmp_path, run, image):
    maps = []
    for seed in (1, 1, 2):
        words = ["--method", "sampled-pda", "--samples", "2", "--seed", seed, *QUICK]
        run("explain", image, *words, "--output", tmp_path / "map.npz")
        maps.append(load_map(tmp_path / "map.npz").evidence)
    np.testing.assert_array_equal(maps[0], maps[1])
    assert (maps[0] != maps[2]).any()


def test_explain_takes_a_map_made_before(tmp_path, run, image, monkeypatch):
    first, again = tmp_path / "first.npz", tmp_path / "again.npz"
    words = ["explain", image, "--stride", "2"]
    assert "from the cache" not in run(*words, "--output", first)
    computed = []
    steps = METHODS["efficient-pda"].steps
    monkeypatch.setattr(
        METHODS["efficient-pda"], "steps", lambda *given: computed.append(1) or steps(*given)
    )
    lines = run(*words, "--output", again, "--figure", tmp_path / "panel.png").splitlines()
    seconds = load_map(again).seconds
    assert lines[1].startswith(f"Efficient PDA, from the cache (computed in {seconds:.1f} s on 20")
    assert lines[1].endswith("), evidence in bits:")
    np.testing.assert_array_equal(load_map(first).evidence, load_map(again).evidence)
    words[3] = "4"
    out = run(*words, "--target", "7", "--difference", "logit", "--output", again)
    assert "from the cache" in out
    assert "evidence in logit" in out
    assert load_map(again).target == ClassTarget(7)
    assert computed == []
    assert "from the cache" not in run(*words, "--no-cache", "--output", again)
    assert computed == [1]


def test_without_the_cache_nothing_is_kept(tmp_path, run, image, cache_folder):
    run("explain", image, *QUICK, "--no-cache", "--output", tmp_path / "map.npz")
    assert not cache_folder.exists()


def test_cache_shows_and_clears(tmp_path, run, image, cache_folder, monkeypatch):
    assert run("cache").splitlines() == [
        f"Cache of maps: {cache_folder}",
        "0 maps, 0 MB of at most 2,000 MB",
    ]
    for method in ("efficient-pda", "occlusion"):
        run("explain", image, *QUICK, "--method", method, "--output", tmp_path / "map.npz")
    size = sum(path.stat().st_size for path in cache_folder.iterdir())
    told = json.loads(run("cache", "--json"))
    assert told == {"folder": str(cache_folder), "maps": 2, "bytes": size, "limit": 2_000_000_000}
    assert run("cache").splitlines()[1] == f"2 maps, {size / 1e6:.1f} MB of at most 2,000 MB"
    lines = run("cache", "--clear").splitlines()
    assert lines[1:] == [
        f"Deleted 2 maps, {size / 1e6:.1f} MB.",
        "0 maps, 0 MB of at most 2,000 MB",
    ]
    assert list(cache_folder.iterdir()) == []
    monkeypatch.setenv("PDA_STUDIO_CACHE_SIZE", "0")
    assert run("cache").startswith("The cache is switched off")


def test_predict_lists_the_likeliest(run, image):
    lines = run("predict", image, "--top", "3").splitlines()
    assert len(lines) == 3
    assert lines[0].split()[:2] == ["1", "1"]
    assert "█" in lines[0]
    assert max(map(len, lines)) <= 80
    told = json.loads(run("predict", image, "--top", "99", "--json"))
    assert told["classifier"] == "digits"
    probabilities = [entry["probability"] for entry in told["predictions"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1)
    assert sorted(entry["index"] for entry in told["predictions"]) == list(range(10))


def test_methods_tells_everything_that_is_declared(run):
    told = json.loads(run("methods", "--json"))
    assert [method["name"] for method in told] == list(METHODS)
    window = next(p for p in told[0]["parameters"] if p["name"] == "window")
    assert window["option"] == "--window"
    assert (window["minimum"], window["maximum"], window["unit"]) == (1, 128, "pixels")
    text = run("methods")
    assert max(map(len, text.splitlines())) <= 80
    for method in METHODS.values():
        assert f"{method.name}: {method.title}" in text
        for known in method.parameters():
            assert f"--{known.name.replace('_', '-')}" in text
    lines = text.splitlines()
    headings = [line for line in lines if line.isupper() and not line.startswith("LRP")]
    assert headings[0] == "PREDICTION DIFFERENCE ANALYSIS"
    assert headings[-1] == "PARAMETERS"
    above = {
        line.partition(":")[0]: [h for h in headings if lines.index(h) < at][-1]
        for at, line in enumerate(lines)
        if line.partition(":")[0] in METHODS
    }
    assert set(above) == set(METHODS)
    assert above["occlusion"] == "PREDICTION DIFFERENCE ANALYSIS"
    assert above["grad-cam"] == above["smooth-grad"] == "GRADIENTS"
    assert above["deep-taylor"] == "RELEVANCE"
    assert above["rise"] == "ATTENTION AND MASKS"
    assert above["activation-maximisation"] == "NEURONS"
    assert next(m for m in told if m["name"] == "rise")["family"] == "Attention and masks"


def test_classifiers_lists_them(run):
    told = json.loads(run("classifiers", "--json"))
    assert told[0] == {
        "name": "digits",
        "input_size": 28,
        "classes": 10,
        "parameters": 3274634,
        "source": "built in",
    }
    lines = run("classifiers").splitlines()
    assert len(lines) == len(told) + 1
    assert max(map(len, lines)) <= 80
    assert len({line.index("torchvision") for line in lines[2:]}) == 1


@pytest.mark.parametrize("name", ["digits", "squeezenet1_1", "regnet_y_400mf"])
def test_layers_need_no_weights(run, monkeypatch, tmp_path, name):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # nothing has been downloaded
    bare = json.loads(run("layers", "--classifier", name, "--json"))
    weights = ["--weights", "random"]
    assert bare == json.loads(run("layers", "--classifier", name, *weights, "--json"))
    assert len(bare) > 10
    lines = run("layers", "--classifier", name).splitlines()
    assert lines[0].split() == ["layer", "kind", "shape"]
    assert [line.split()[0] for line in lines[1:]] == [layer["name"] for layer in bare]
    assert list(tmp_path.iterdir()) == []


def test_fit_statistics_makes_a_file_that_explain_takes(tmp_path, run, image):
    folder = tmp_path / "images"
    folder.mkdir()
    for i in range(3):
        noise = np.random.default_rng(i).integers(0, 256, (260, 260, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"{i}.png")
    output = tmp_path / "statistics.safetensors"
    out = run("fit-statistics", folder, "--output", output)
    assert out == f"Fitted to 3 images. Wrote {output}.\n"
    assert load_statistics(output).about["images"] == "3"
    words = ["--classifier", "squeezenet1_1", "--weights", "random", "--statistics", output]
    words += ["--window", "64", "--stride", "64", "--infill", "marginal-mean"]
    colour = tmp_path / "images" / "0.png"
    run("explain", colour, *words, "--output", tmp_path / "map.npz")
    assert load_map(tmp_path / "map.npz").parameters["statistics"] == str(output)


# A new method needs no edit


@pytest.fixture
def new_method():
    class Brightness(Method):
        """The brighter, the more."""

        name: ClassVar[str] = "brightness"
        title: ClassVar[str] = "Brightness"
        summary: ClassVar[str] = "The brighter a pixel, the more it speaks for anything."

        gain_of_light: float = parameter(
            2.0, "Gain", "How much brightness counts.", unit="suns", ge=0.5, le=8
        )

        def steps(self, subject):
            evidence = subject.view.mean(-1) * self.gain_of_light
            finished = EvidenceMap(
                evidence=evidence.astype(np.float32),
                standard_error=None,
                covered=None,
                unit="suns",
                seconds=0.0,
                **subject.described(self),
            )
            yield Progress(1, 1, lambda: finished)

    yield Brightness
    del METHODS["brightness"]


def test_a_new_method_appears_everywhere(tmp_path, run, image, new_method, capsys):
    words = run("explain", "--method", "brightness", "--help").split()
    assert "--gain-of-light" in words
    told = " ".join(words).replace("│", "")
    for part in ("How much brightness counts.", "0.5 to 8 suns", "default 2.0", new_method.summary):
        assert part in " ".join(told.split())
    assert "OTHERS\n\nbrightness: Brightness" in run("methods")
    assert "--gain-of-light" in run("methods")
    words = ["explain", image, "--method", "brightness", "--output", tmp_path / "map.npz"]
    run(*words, "--gain-of-light", "4", "--figure", tmp_path / "panel.png")
    evidence_map = load_map(tmp_path / "map.npz")
    assert evidence_map.parameters == {"gain_of_light": 4.0}
    assert evidence_map.evidence.max() == 4 * 255
    assert main([str(word) for word in [*words, "--gain-of-light", "9"]]) == 2
    assert "from 0.5 to 8" in capsys.readouterr().err
    assert main([str(word) for word in [*words, "--window", "4"]]) == 2
    assert "no parameter “window”" in capsys.readouterr().err


def test_a_method_that_is_gone_leaves_no_option(run):
    assert "brightness" not in METHODS
    assert main(["explain", "--method", "brightness", "--help"]) == 2


@pytest.mark.parametrize("verb", ["explain", "screenshot"])
def test_help_of_a_method_shows_its_parameters_alone(run, verb):
    for method in METHODS.values():
        text = run(verb, "digit.png", "--method", method.name, "--help")
        assert max(map(len, text.splitlines())) <= 80
        told = " ".join(text.replace("│", "").split())
        shown = {word for word in told.split() if word.startswith("--")}
        declared = {f"--{known.name.replace('_', '-')}" for known in method.parameters()}
        assert shown == declared | {"--help", "--debug,"}
        for known in method.parameters():
            assert isinstance(known, Parameter)
            assert known.help in told
        assert method.summary in told
    text = run(verb, "digit.png", "--method=occlusion", "--help")
    told = " ".join(text.replace("│", "").split())
    assert "1 to 128 pixels; default 10" in told
    assert "default grey" in told
    headings = [line.split("─ ")[1].split(" ─")[0] for line in text.splitlines() if "╭─" in line]
    assert headings == ["Window and infill", "Sampling", "Score difference", "Forward"]


@pytest.mark.parametrize("verb", ["explain", "screenshot"])
def test_bare_help_shows_what_all_methods_share_and_where_the_rest_is(run, verb):
    text = run(verb, "--help")
    told = " ".join(text.replace("│", "").split())
    for option in ("--output", "--classifier", "--method", "--target"):
        assert f"{option} " in told
    for option in ("--window", "--stride", "--infill", "--samples"):
        assert f"{option} " not in told
    assert f"pda-studio {verb} --method NAME --help" in told
    assert max(map(len, text.splitlines())) <= 80


# Starting, and the terminal


def test_an_option_is_told_for_each_method_that_has_it():
    variants = parameters_by_name([METHODS["efficient-pda"], METHODS["grad-cam"]])["at"]
    one, other = merged(variants, lambda known: known.help)
    assert one.startswith("From where on a linearised forward is linear")
    assert one.endswith("(efficient-pda)")
    assert other.startswith("The layer whose maps are weighed")
    assert other.endswith("(grad-cam)")
    same = parameters_by_name([METHODS["efficient-pda"], METHODS["occlusion"]])["at"]
    assert merged(same, lambda known: known.help) == [same["occlusion"].help]


def test_help_and_version_load_nothing_heavy():
    script = """if True:
        import sys
        from pda_studio.cli import main
        assert main(["--help"]) == 0
        assert main(["--version"]) == 0
        heavy = {"torch", "torchvision", "matplotlib", "cv2", "scipy", "PySide6", "pydantic"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
        """
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
    for verb in ("explain", "predict", "methods", "classifiers", "fit-statistics", "cache"):
        assert f" {verb} " in done.stdout
    assert "\x1b" not in done.stdout


def test_bias_shares_are_drawn_and_listed(tmp_path, run, image):
    figure = tmp_path / "shares.pdf"
    lines = run("bias-shares", image, "--output", figure).splitlines()
    assert figure.read_bytes().startswith(b"%PDF")
    assert lines[0].split("  ")[0] == "layer"
    assert [line.split()[0] for line in lines[1:4]] == ["input", "conv1", "relu1"]
    assert any(line.startswith("Seen from the input, the bias is ") for line in lines)
    assert lines[-1] == f"Wrote {figure}"
    words = ["bias-shares", image, "--target", "3", "--against", "5", "--output", figure]
    told = json.loads(run(*words, "--json"))
    assert told["about"]["target"] == "3 rather than 5"
    assert told["rows"][0]["layer"] == "input"
    assert told["rows"][0]["share"] > 0
    assert main(["bias-shares", str(image), "--output", str(tmp_path / "shares.doc")]) == 2


def test_it_runs_as_a_module_and_the_exit_status_is_passed_on():
    start = [sys.executable, "-m", "pda_studio"]
    done = subprocess.run([*start, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"pda-studio {__version__}\n")
    done = subprocess.run([*start, "--nonsense"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_with_rate_and_time_left_on_a_terminal_only(tmp_path, run, image, monkeypatch):
    words = ["explain", image, "--stride", "2", "--batch", "9", "--output", tmp_path / "map.npz"]
    words += ["--no-cache"]
    run(*words)  # checks that nothing goes to standard error
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert main([str(word) for word in words]) == 0
    written = terminal.getvalue()
    assert "Efficient PDA:" in written
    assert "steps/s" in written
    assert "/169" in written
    assert "00:00<" in written


# The window, of which only the call is tested here


class Window:
    def __init__(self):
        self.calls = []

    def run_window(self, *arguments, **options):
        self.calls.append((*arguments, options) if options else arguments)
        return 0

    def take_screenshot(self, *arguments, **options):
        self.calls.append((*arguments, options))


@pytest.fixture
def window(monkeypatch):
    window = Window()
    monkeypatch.setitem(sys.modules, "pda_studio.gui.app", window)
    return window


def test_without_a_verb_the_window_opens(run, image, window, monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    run()
    run(image)
    run(image, "--classifier", "resnet18", "--weights", "random")
    assert window.calls == [
        (None, "digits", None),
        (image, "digits", None),
        (image, "resnet18", "random"),
    ]


def test_a_workspace_is_opened_as_one(tmp_path, run, window, monkeypatch, capsys):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    path = tmp_path / "bird.pdastudio"
    assert main([str(path)]) == 1
    assert "no such file" in capsys.readouterr().err
    path.write_bytes(b"anything: the window says what is wrong with it")
    run(path)
    assert window.calls == [(None, "digits", None, {"workspace": path})]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is a display")
@pytest.mark.parametrize(
    "dead",
    [
        {"DISPLAY": ":4711"},
        {"DISPLAY": "nonsense"},
        {"WAYLAND_DISPLAY": "wayland-4711"},
        {"DISPLAY": ":4711", "WAYLAND_DISPLAY": "wayland-4711"},
        {"DISPLAY": ":4711", "QT_QPA_PLATFORM": "xcb"},
    ],
    ids=str,
)
def test_a_display_that_does_not_answer(tmp_path, run, image, window, monkeypatch, capsys, dead):
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.setenv(name, dead.get(name, ""))
    assert main([str(image)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "does not answer" in said
    assert window.calls == []
    run("screenshot", image, "--output", tmp_path / "window.png")
    assert len(window.calls) == 1
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is a display")
def test_without_a_display(tmp_path, run, image, window, monkeypatch, capsys):
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.setenv(name, "")
    assert main([str(image)]) == 1
    assert "no display" in capsys.readouterr().err
    assert window.calls == []
    run("screenshot", image, "--output", tmp_path / "window.png")
    assert len(window.calls) == 1
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"


def test_screenshot_passes_everything_on(tmp_path, run, image, window):
    output = tmp_path / "window.png"
    words = ["--method", "occlusion", "--window", "5", "--stride", "5", "--target", "3"]
    words += ["--size", "800x600", "--theme", "dark", "--weights", "random"]
    assert run("screenshot", image, "--output", output, *words) == f"Wrote {output}.\n"
    options = {
        "classifier": "digits",
        "weights": "random",
        "method": "occlusion",
        "parameters": {"window": 5, "stride": 5},
        "target": "3",
        "size": (800, 600),
        "theme": "dark",
    }
    assert window.calls == [(image, output, options)]
