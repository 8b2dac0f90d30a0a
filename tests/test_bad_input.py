"""Whatever is wrong: one line, the right exit status, and nothing half-written."""

import errno
import hashlib
import io
import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import as_file, files
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file, save_file

import pda_studio.classifiers  # noqa: F401  its module of this name is hidden by its function
from pda_studio.cli import main

catalogue = sys.modules["pda_studio.classifiers.catalogue"]
QUICK = ["--stride", "4", "--batch", "49"]


@pytest.fixture
def run(tmp_path, capsys):
    """Run a command line that must fail; returns what it said.

    Checks that it said so in one line, and that no file came or changed.
    """

    def run(*words, status):
        before = contents(tmp_path)
        capsys.readouterr()
        assert main([str(word) for word in words]) == status
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("pda-studio: ")
        assert err.count("\n") == 1
        assert err.endswith("\n")
        assert "Traceback" not in err
        assert contents(tmp_path) == before
        return err

    return run


def contents(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


# Images


def truncated(path):
    memory = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)
    Image.fromarray(noise).save(memory, "JPEG")
    path.write_bytes(memory.getvalue()[:2000])


@pytest.mark.parametrize("verb", ["predict", "explain", "window"])
@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("missing.png", lambda path: None, "no such file"),
        ("folder", lambda path: path.mkdir(), "it is a folder"),
        ("empty.png", lambda path: path.touch(), "empty"),
        ("truncated.jpg", truncated, "damaged or incomplete"),
        ("text.png", lambda path: path.write_text("hello " * 100), "not a JPEG"),
        ("tiny.png", lambda path: Image.new("L", (1, 1)).save(path), "1×1"),
        (
            "huge.png",
            lambda path: Image.new("1", (20_000, 20_000)).save(path),
            "100 million",
        ),
    ],
)
def test_bad_images(tmp_path, run, verb, name, make, message):
    path = tmp_path / name
    make(path)
    words = {
        "predict": ["predict", path],
        "explain": ["explain", path, "--output", tmp_path / "map.npz"],
        "window": [path],
    }[verb]
    said = run(*words, status=1)
    assert message in said
    assert name in said


@pytest.mark.parametrize("mode", ["I;16", "CMYK"])
def test_rare_images_work(tmp_path, capsys, mode):
    if mode == "CMYK":
        path = tmp_path / "image.jpg"
        Image.new("CMYK", (40, 30), (0, 90, 90, 0)).save(path)
    else:
        path = tmp_path / "image.png"
        Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50).save(path)
    assert main(["predict", str(path)]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 5
    assert err == ""


# Requests


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--window", "29", "--outer", "28", "--infill", "grey"], "larger than the classifier's"),
        (["--window", "4", "--stride", "5"], "stride of 5 leaves gaps"),
        (["--window", "4", "--outer", "4", "--infill", "conditional-mean"], "at least 5"),
        (["--samples", "0"], "samples must be a whole number from 1 to 1000"),
        (["--samples", "few"], "samples must be a whole number from 1 to 1000"),
        (["--samples", "7.5"], "samples must be a whole number from 1 to 1000"),
        (["--samples", "³"], "samples must be a whole number from 1 to 1000"),
        (["--window", "nan"], "window must be a whole number from 1 to 128"),
        (["--batch", "2.5"], "--batch must be auto or a whole number of at least 1"),
        (["--seed", "-1"], "from 0 to 4294967295"),
        (["--infill", "gray"], "infill must be one of"),
        (["--colour"], "--colour"),
        (["--windw", "3"], "--window"),
        (["--method", "magic"], "no method “magic”"),
        (["--classifier", "magic"], "no classifier “magic”"),
        (["--device", "tpu"], "no device “tpu”"),
        (["--batch", "0"], "--batch"),
        (["--batch", "-3"], "--batch"),
        (["--target", "ten"], "no class “ten”"),
        (["--target", "10"], "classes 0 to 9"),
        (["--target", "-1"], "classes 0 to 9"),
        (["--figure", "panel.jpg"], ".png, .pdf, .svg or .tif"),
        (["surplus"], "surplus"),
    ],
    ids=" ".join,
)
def test_wrong_requests(tmp_path, run, image, words, message):
    said = run("explain", image, "--output", tmp_path / "map.npz", *words, status=2)
    assert message in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["explain"], "explain needs IMAGE"),
        (["explain", "digit.png"], "explain needs --output"),
        (["explain", "digit.png", "--output", "map.png"], ".npz"),
        (["explian", "digit.png"], "did you mean explain?"),
        (["predict", "digit.png", "--top", "0"], "--top"),
        (["predict", "digit.png", "--top", "many"], "--top"),
        (["predict", "digit.png", "--top", "1.5"], "--top must be a whole number of at least 1"),
        (["neurons", "digit.png", "--noise", "inf"], "--noise must be a number from 0.001 to 1"),
        (["--unknown"], "--unknown"),
        (["fit-statistics", "."], "fit-statistics needs --output"),
        (["fit-statistics", ".", "--output", "x.npz"], ".safetensors"),
        (["screenshot", "digit.png", "--output", "x.pdf"], ".png"),
        (["screenshot", "digit.png", "--output", "x.png", "--size", "big"], "1280x800"),
        (["screenshot", "digit.png", "--output", "x.png", "--theme", "pink"], "pink"),
        (["screenshot", "digit.png", "--output", "x.png", "--window", "0"], "1 to 128"),
        (["screenshot", "digit.png", "--output", "digit.png"], "would replace"),
    ],
    ids=" ".join,
)
def test_wrong_command_lines(tmp_path, run, image, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    assert message in run(*words, status=2)


def test_an_unknown_class_name_gets_a_suggestion(tmp_path, run, image):
    words = ["--classifier", "squeezenet1_1", "--weights", "random", "--target", "jacamer"]
    said = run("explain", image, "--output", tmp_path / "map.npz", *words, status=2)
    assert "Did you mean “jacamar”" in said


def test_the_figure_must_not_replace_the_image(tmp_path, run, image):
    words = ["explain", image, "--output", tmp_path / "map.npz", "--figure", image]
    assert "would replace" in run(*words, status=2)


def test_what_is_wrong_is_told_before_the_work(tmp_path, run, image, monkeypatch):
    def work(*_):
        raise AssertionError("the work began")

    monkeypatch.setattr("pda_studio.cli.progress.load", work)
    explain = ["explain", image, "--output", tmp_path / "map.npz"]
    run(*explain, "--samples", "0", status=2)
    run(*explain, "--figure", tmp_path / "none" / "panel.png", status=1)
    run("explain", image, "--output", tmp_path / "none" / "map.npz", status=1)
    monkeypatch.undo()
    monkeypatch.setattr("pda_studio.cli.progress.carry_out", work)
    run(*explain, "--target", "ten", status=2)
    run(*explain, "--stride", "5", status=2)


# Weights


def digits_weights():
    shipped = files("pda_studio.resources") / "digits" / "weights.safetensors"
    with as_file(shipped) as path:
        return {name: tensor.float() for name, tensor in load_file(path).items()}


class _Trap:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_weights_of_another_network(tmp_path, run, image):
    save_file(torchvision.models.squeezenet1_0().state_dict(), tmp_path / "other.safetensors")
    said = run("predict", image, "--weights", tmp_path / "other.safetensors", status=1)
    assert "other.safetensors" in said
    assert "not digits's" in said


def test_weights_that_are_not_finite(tmp_path, run, image):
    weights = digits_weights()
    weights["fc2.bias"][3] = float("nan")
    save_file(weights, tmp_path / "nan.safetensors")
    said = run("predict", image, "--weights", tmp_path / "nan.safetensors", status=1)
    assert "not finite" in said


@pytest.mark.parametrize("how", [pickle.dump, torch.save])
def test_code_in_a_file_of_weights_does_not_run(tmp_path, run, image, how):
    marker, path = tmp_path / "ran", tmp_path / "weights.pth"
    with path.open("wb") as file:
        how({"fc2.bias": _Trap(marker)}, file)
    assert "refused" in run("predict", image, "--weights", path, status=1)
    assert not marker.exists()
    with path.open("rb") as file:  # the trap works where code is run
        pickle.load(file) if how is pickle.dump else torch.load(file, weights_only=False)
    assert marker.exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x02", (1 << 40).to_bytes(8, "little")])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_damaged_weights(tmp_path, run, image, content, suffix):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    assert path.name in run("predict", image, "--weights", path, status=1)


def test_missing_weights(tmp_path, run, image):
    said = run("predict", image, "--weights", tmp_path / "none.pth", status=1)
    assert "none.pth" in said


# Outputs


def test_outputs_that_cannot_be_written(tmp_path, run, image):
    (tmp_path / "folder.npz").mkdir()
    for output, message in [
        (tmp_path / "none" / "map.npz", "does not exist"),
        (tmp_path / "folder.npz", "it is a folder"),
    ]:
        assert message in run("explain", image, "--output", output, status=1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has /proc")
def test_an_output_that_even_root_cannot_write(run, image):
    said = run("explain", image, *QUICK, "--output", "/proc/map.npz", status=1)
    assert "/proc/map.npz" in said


@contextmanager
def disk_for(size):
    """Let no file grow larger; Python leaves the signal aside and gets an error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    compiling = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # Python would keep half of a compiled module, and fail over it
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
        sys.dont_write_bytecode = compiling


def test_no_room_for_the_map(tmp_path, run, image):
    with disk_for(500):
        said = run("explain", image, *QUICK, "--output", tmp_path / "map.npz", status=1)
    assert "map.npz" in said
    assert "nothing was written" in said


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg", "tif"])
def test_no_room_for_the_figure_leaves_the_map(tmp_path, capsys, image, suffix):
    words = ["--output", tmp_path / "map.npz", "--figure", tmp_path / f"panel.{suffix}"]
    with disk_for(10_000):
        status = main([str(word) for word in ["explain", image, *QUICK, *words]])
    _, err = capsys.readouterr()
    assert status == 1
    assert err.count("\n") == 1
    assert f"panel.{suffix}" in err
    assert {path.name for path in tmp_path.iterdir()} == {"digit.png", "map.npz"}


def test_a_full_disk(tmp_path, run, image, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    said = run("explain", image, *QUICK, "--output", tmp_path / "map.npz", status=1)
    assert "No space left on device" in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only some systems have /dev/full")
def test_standard_output_that_is_full():
    with open("/dev/full", "w") as full:
        words = [sys.executable, "-m", "pda_studio", "--version"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "pda-studio: No space left on device.\n"


@pytest.mark.parametrize("word", ["--version", "methods"])
def test_a_reader_that_has_read_enough(word):
    words = [sys.executable, "-m", "pda_studio", word]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.stderr == ""
    assert done.returncode == 1


# What nobody foresaw


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "not enough memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory"), "not enough mem"),
        (ZeroDivisionError("division\nby zero"), "--debug"),
    ],
)
def test_unforeseen_errors(run, image, monkeypatch, error, message):
    def broken(*_):
        raise error

    monkeypatch.setattr("pda_studio.images.read_image", broken)
    assert message in run("predict", image, status=1)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_debug_shows_where(tmp_path, capsys, place):
    words = ["predict", str(tmp_path / "none.png")]
    words.insert(place, "--debug")
    assert main(words) == 1
    _, err = capsys.readouterr()
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("pda-studio: Cannot read")


# Downloads


@pytest.fixture(scope="module")
def good():
    """A file of weights as torchvision offers them: its name says how its hash starts."""
    memory = io.BytesIO()
    torch.save(torchvision.models.squeezenet1_1().state_dict(), memory)
    data = memory.getvalue()
    return f"squeezenet1_1-{hashlib.sha256(data).hexdigest()[:8]}.pth", data


@pytest.fixture
def server():
    """A server on this computer; what it sends and when is put into its attributes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            told = self.server.told
            self.send_response(told.status)
            self.send_header("Content-Length", str(told.length))
            self.end_headers()
            self.wfile.write(told.data)
            self.wfile.flush()
            told.sent.set()
            told.go_on.wait(60)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_):
            pass  # who asked has hung up

    running = Server(("127.0.0.1", 0), Handler)
    running.told = SimpleNamespace(
        status=200, length=0, data=b"", sent=threading.Event(), go_on=threading.Event()
    )
    running.told.go_on.set()
    running.address = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, args=(0.05,))
    thread.start()
    yield running
    running.told.go_on.set()
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def offered(monkeypatch, tmp_path):
    """Make an address the one from which torchvision has squeezenet1_1; returns the cache."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))

    def offered(url):
        entry = torchvision.models.get_model_weights("squeezenet1_1").DEFAULT
        ours = SimpleNamespace(url=url, meta=entry.meta, transforms=entry.transforms)
        monkeypatch.setattr(catalogue, "_weights_entry", lambda *_, **__: ours)
        return tmp_path / "torch" / "hub" / "checkpoints"

    return offered


PREDICT = ["predict", "--classifier", "squeezenet1_1"]


def test_a_download(server, offered, good, image, capsys, monkeypatch):
    name, data = good
    server.told.length, server.told.data = len(data), data
    folder = offered(f"{server.address}/{name}")
    assert main([*PREDICT, str(image)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert len(out.splitlines()) == 5
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_bytes() == data
    server.told.status = 500  # the second time it is there
    assert main([*PREDICT, str(image)]) == 0


@pytest.mark.parametrize("harm", ["a byte", "the end", "not found"])
def test_a_damaged_download(server, offered, good, image, run, harm):
    name, data = good
    server.told.length, server.told.data = len(data), data
    if harm == "a byte":
        server.told.data = data[:1000] + b"?" + data[1001:]
    elif harm == "the end":
        server.told.data = data[:-1000]
    else:
        server.told.status = 404
    folder = offered(f"{server.address}/{name}")
    said = run(*PREDICT, image, status=1)
    assert name in said
    assert str(folder) in said
    assert not folder.exists() or list(folder.iterdir()) == []


def test_weights_stay_what_was_downloaded(
    server, offered, good, image, capsys, run, monkeypatch, tmp_path
):
    """Eight digits in a name are easily met by another file; the whole checksum is not."""
    monkeypatch.setenv("PDA_STUDIO_CACHE", str(tmp_path / "cache"))
    name, data = good
    server.told.length, server.told.data = len(data), data
    folder = offered(f"{server.address}/{name}")
    assert main([*PREDICT, str(image)]) == 0
    record = tmp_path / "cache" / "weights.json"
    assert json.loads(record.read_text()) == {name: hashlib.sha256(data).hexdigest()}
    for damaged in (data[:-1000], data[:1000] + b"?" + data[1001:]):
        (folder / name).write_bytes(damaged)
        said = run(*PREDICT, image, status=1)
        assert f"{folder / name} is not the file that was downloaded: delete it" in said
    (folder / name).write_bytes(data)
    record.write_text(json.dumps({name: name.rpartition("-")[2][:8] + "0" * 56}))
    assert "is not the file that was downloaded" in run(*PREDICT, image, status=1)
    record.write_text("[" * 999)  # a damaged record is none
    assert main([*PREDICT, str(image)]) == 0
    assert json.loads(record.read_text()) == {name: hashlib.sha256(data).hexdigest()}


def test_offline(offered, image, run, good):
    name, _ = good
    folder = offered(f"http://127.0.0.1:1/{name}")
    said = run(*PREDICT, image, status=1)
    assert name in said
    assert str(folder) in said


def test_stopping_a_download_leaves_nothing(server, good, image, tmp_path):
    name, data = good
    server.told.length, server.told.data = len(data), data[: len(data) // 2]
    server.told.go_on.clear()
    script = """if True:
        import signal
        import sys
        from types import SimpleNamespace
        import torchvision
        import pda_studio.classifiers
        from pda_studio.cli import main
        # Where the tests run in the background, a shell has them ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        entry = torchvision.models.get_model_weights("squeezenet1_1").DEFAULT
        ours = SimpleNamespace(url=sys.argv[1], meta=entry.meta, transforms=entry.transforms)
        module = sys.modules["pda_studio.classifiers.catalogue"]
        module._weights_entry = lambda *_, **__: ours
        sys.exit(main(sys.argv[2:]))
        """
    words = [sys.executable, "-c", script, f"{server.address}/{name}", *PREDICT, str(image)]
    environment = {**os.environ, "TORCH_HOME": str(tmp_path)}
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert server.told.sent.wait(100)
        folder = tmp_path / "hub" / "checkpoints"
        for _ in range(200):  # until it has kept something
            if any(path.stat().st_size for path in folder.iterdir()):
                break
            threading.Event().wait(0.05)
        assert len(list(folder.iterdir())) == 1
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "pda-studio: stopped.\n"
    assert list(folder.iterdir()) == []


def test_stopping_the_work_leaves_nothing(tmp_path, capsys, image, monkeypatch):
    from pda_studio.methods.base import METHODS

    method = METHODS["efficient-pda"]
    steps = method.steps

    def interrupted(self, subject):
        yield next(steps(self, subject))
        raise KeyboardInterrupt

    monkeypatch.setattr(method, "steps", interrupted)
    words = ["--output", tmp_path / "map.npz", "--figure", tmp_path / "panel.png"]
    assert main([str(word) for word in ["explain", image, "--batch", "9", *words]]) == 130
    out, err = capsys.readouterr()
    assert (out, err) == ("", "pda-studio: stopped.\n")
    assert list(tmp_path.iterdir()) == [image]
