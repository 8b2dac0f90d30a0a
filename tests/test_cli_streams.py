"""Standard input, output and error: closed, an image piped in, and lines of libraries."""

import io
import json
import logging
import os
import subprocess
import sys

import pytest

from pda_studio.cli import main
from pda_studio.store import load_map

START = [sys.executable, "-m", "pda_studio"]


def closed(number, *words, **options):
    """Run the program with one of its streams closed."""
    return subprocess.run(
        [*START, *map(str, words)],
        preexec_fn=lambda: os.close(number),
        text=True,
        check=False,
        **options,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there streams cannot be closed so")
def test_standard_output_that_is_closed(tmp_path, image):
    output = tmp_path / "map.npz"
    words = ["explain", image, "--stride", "4", "--no-cache", "--output", output]
    done = closed(1, *words, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, "")
    assert load_map(output).complete


@pytest.mark.skipif(sys.platform == "win32", reason="there streams cannot be closed so")
def test_standard_error_that_is_closed(tmp_path):
    done = closed(2, "predict", tmp_path / "none.png", stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (1, "")


def test_an_image_from_standard_input(image):
    with image.open("rb") as file:
        done = subprocess.run(
            [*START, "predict", "-", "--json"], stdin=file, capture_output=True, check=False
        )
    assert (done.returncode, done.stderr) == (0, b"")
    told = json.loads(done.stdout)
    assert told["image"] == "-"
    assert told["predictions"][0]["name"] == "1"


def piped(monkeypatch, data):
    """Let standard input hold these bytes."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_explain_takes_standard_input_as_it_takes_a_file(tmp_path, image, monkeypatch):
    maps = []
    for name, given in (("file.npz", str(image)), ("input.npz", "-")):
        words = ["explain", given, "--stride", "4", "--batch", "49", "--no-cache"]
        piped(monkeypatch, image.read_bytes())
        assert main([*words, "--output", str(tmp_path / name)]) == 0
        maps.append(load_map(tmp_path / name).evidence)
    assert (maps[0] == maps[1]).all()


@pytest.mark.parametrize(("data", "said"), [(b"", "empty"), (b"hello" * 99, "not a JPEG")])
def test_what_is_no_image_on_standard_input(monkeypatch, capsys, data, said):
    piped(monkeypatch, data)
    assert main(["predict", "-"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("pda-studio: Cannot read standard input: ")
    assert said in told
    assert told.count("\n") == 1


SCRIPT = """if True:
    import logging, os, sys, warnings
    import pda_studio.images
    from pda_studio.cli import main
    from pda_studio.errors import PdaStudioError

    def noisy(*given):
        os.write(2, b"libpng error: bad header\\n")
        logging.getLogger("PIL").warning("odd")
        warnings.warn("old", DeprecationWarning)
        logging.getLogger("pda_studio.gui").warning("It failed.\\nTraceback: here")
        raise PdaStudioError("It cannot be read.")

    pda_studio.images.read_image = noisy
    status = main(sys.argv[1:])
    os.write(2, b"afterwards\\n")
    sys.exit(status)
    """


@pytest.mark.parametrize("debug", [False, True])
def test_lines_of_libraries_are_for_debug_alone(debug):
    words = ["predict", "x.png", *(["--debug"] if debug else [])]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    for line in ("libpng error: bad header", "odd", "Traceback"):
        assert (line in done.stderr) == debug
    if not debug:
        assert done.stderr == "pda-studio: It cannot be read.\nafterwards\n"


def test_a_note_comes_with_success_in_a_line(image, capsys, monkeypatch):
    from pda_studio import images

    load = images.read_image

    def noted(*given):
        logging.getLogger("pda_studio.images").warning("Only its first page.\nMore of it.")
        return load(*given)

    monkeypatch.setattr(images, "read_image", noted)
    assert main(["predict", str(image)]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 5
    assert err == "pda-studio: Only its first page.\n"


@pytest.mark.parametrize(("length", "status"), [(255, 0), (256, 1)])
def test_long_output_names_are_known_before_the_work(tmp_path, image, capsys, length, status):
    output = tmp_path / ("x" * (length - 4) + ".npz")
    words = ["explain", image, "--stride", "4", "--no-cache", "--output", output]
    assert main([str(word) for word in words]) == status
    if status:
        assert "its name has 256 bytes; at most 255" in capsys.readouterr().err
    else:
        assert load_map(output).complete


@pytest.mark.parametrize("word", ["³", "-³", "٣"])
def test_a_class_that_is_nearly_a_number(image, tmp_path, capsys, word):
    words = ["explain", str(image), "--output", str(tmp_path / "map.npz"), "--target", word]
    assert main(words) == 2
    assert f"no class “{word}”" in capsys.readouterr().err
