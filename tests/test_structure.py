"""The size of things: files, classes, and imports that wait until they are needed."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1] / "pda_studio"
FILES = {path.relative_to(ROOT).as_posix(): path for path in sorted(ROOT.rglob("*.py"))}

MOST_LINES = 350
MOST_METHODS = 20

LARGER: dict[str, int] = {}
"""Files that are still larger, and the size beyond which they may not grow."""

LATE: dict[str, int] = {
    "__init__.py": 1,  # the public functions, when they are asked for
    "attribution": 4,  # what only some methods need
    "batch": 1,  # an optional extra
    "classifiers": 1,  # torchvision, for its networks alone
    "cli": 78,  # each command loads what it needs, and `--help` nothing
    "document": 2,
    "experiments": 3,
    "gui": 71,  # the window is there before PyTorch is
    "images": 4,  # an optional extra
    "infills": 10,  # declarations know their parameters without PyTorch
    "methods": 27,  # likewise
    "parameters.py": 1,
    "pda": 1,  # SciPy's statistics, for linearised forwards of networks that nobody measured
    "rendering": 2,
    "results.py": 1,
    "store": 3,
}
"""How many imports of a package may wait inside functions, so that the start stays short."""

LATE_IN_EACH: dict[str, int] = {"metrics": 6, "studies": 8}
"""The same for each file of packages of declarations, which grow by files."""

SMALLER: dict[str, int] = {}
"""Classes that still have more public methods than others may."""


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def classes(module: ast.Module) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(module) if isinstance(node, ast.ClassDef))


def public_methods(made: ast.ClassDef) -> list[str]:
    """Methods that others call: no properties, and none that Qt, ast or pydantic calls by name."""
    named = []
    for node in made.body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        marks = {ast.unparse(mark).split(".")[-1] for mark in node.decorator_list}
        is_override = node.name != node.name.lower()
        if not is_override and not marks & {"property", "cached_property", "setter"}:
            named.append(node.name)
    return named


def late_imports(module: ast.Module) -> int:
    """Import statements inside functions."""
    found: set[ast.stmt] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = ast.walk(node)
            found |= {one for one in inside if isinstance(one, ast.Import | ast.ImportFrom)}
    return len(found)


# Each rule is one test over all files: as one test for each file, they were a third of all tests.


def test_a_file_has_one_subject_and_is_short() -> None:
    lines = {name: len(path.read_text("utf-8").splitlines()) for name, path in FILES.items()}
    assert len(lines) > 500
    longer = {name: n for name, n in lines.items() if n > LARGER.get(name, MOST_LINES)}
    assert not longer, f"more than {MOST_LINES} lines"


def test_a_class_has_few_public_methods() -> None:
    found = {
        f"{name}: {made.name}": public_methods(made)
        for name, path in FILES.items()
        for made in classes(tree(path))
    }
    assert len(found) > 500
    more = {name: m for name, m in found.items() if len(m) > SMALLER.get(name, MOST_METHODS)}
    assert not more, f"more than {MOST_METHODS} public methods"


def test_imports_inside_functions_are_named_and_counted() -> None:
    """They keep the start short and extras optional; elsewhere they would hide what is used."""
    counted: dict[str, int] = {}
    for name, path in FILES.items():
        package = name.partition("/")[0]
        here = late_imports(tree(path))
        if package in LATE_IN_EACH:
            assert here <= LATE_IN_EACH[package], name
        else:
            counted[package] = counted.get(package, 0) + here
    more = {name: n for name, n in counted.items() if n > LATE.get(name, 0)}
    assert not more, f"more than {LATE}"
