import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILD = "from setuptools.build_meta import build_wheel as build; print(build({folder!r}))"
SCRIPTS = ["packaging/run", "packaging/test", "packaging/setup.sh", ".ci/run"]


def tracked_files() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a clone")
    names = subprocess.run(
        [git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> list[str]:
    """The names in a wheel built from a copy, so that nothing is left in the repository."""
    pytest.importorskip("setuptools", minversion="77")
    copy = tmp_path_factory.mktemp("source")
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("pda_studio", "resources"):
        shutil.copytree(ROOT / name, copy / name, ignore=unwanted)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    # Whoever ran the program from the source has these.
    (copy / "resources" / "__pycache__").mkdir()
    (copy / "resources" / "__pycache__" / "stale.pyc").touch()
    built = subprocess.run(
        [sys.executable, "-c", BUILD.format(folder=str(copy / "dist"))],
        cwd=copy,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    [path] = (copy / "dist").glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_the_wheel_contains_all_modules_and_resources(wheel):
    expected = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("pda_studio/**/*.py")}
    for path in ROOT.glob("resources/**/*"):
        if path.is_file() and path.suffix != ".pyc":
            expected.add(f"pda_studio/{path.relative_to(ROOT).as_posix()}")
    assert "pda_studio/resources/digits/weights.safetensors" in expected
    assert expected | {"pda_studio/py.typed"} == {n for n in wheel if ".dist-info/" not in n}


def test_the_listed_packages_are_the_ones_there():
    with (ROOT / "pyproject.toml").open("rb") as file:
        listed = tomllib.load(file)["tool"]["setuptools"]["packages"]
    there = {path.parent.relative_to(ROOT) for path in ROOT.glob("pda_studio/**/*.py")}
    assert {".".join(path.parts) for path in there} | {"pda_studio.resources"} == set(listed)
    assert all((ROOT / path / "__init__.py").is_file() for path in there)


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_sound_bash(script):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    checked = subprocess.run([bash, "-n", ROOT / script], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_python_files_beside_the_package_can_be_parsed_and_hide_no_library():
    # `packaging` is a library, too: a package of that name in the repository would hide it.
    assert not (ROOT / "packaging" / "__init__.py").exists()
    assert not (ROOT / "packaging" / "version.py").exists()
    for path in (ROOT / "packaging").glob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), path.name)


def test_the_packaging_library_is_found_from_the_repository():
    found = subprocess.run(
        [sys.executable, "-c", "import packaging.version as it; print(it.__file__)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    assert not Path(found.stdout.strip()).is_relative_to(ROOT / "packaging")


def test_no_tracked_file_is_large():
    large = [path for path in tracked_files() if path.stat().st_size > 8_000_000]
    assert not large


def test_no_developers_folder_is_named():
    # What a home folder looks like, put together so that this line is not found itself.
    homes = re.compile(
        rb"(?<![\w.])/(?:home|Users)/[\w.-]+/|(?<![\w.])/" + rb"root/|[A-Z]:\\Users\\"
    )
    named = [path for path in tracked_files() if homes.search(path.read_bytes())]
    assert not named
