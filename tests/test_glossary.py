"""One word for every thing: words that the glossary avoids, in names and in texts for users."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "pda_studio").rglob("*.py"))

AVOIDED = {
    "picture": "image",
    "variant": "view",
    "entrant": "method",
    "telling": "map, or how scores are compared",
    "untouched": "baseline activations; original",
    "stuff": "infill",
    "spot": "window",
    "scene": "lattice, or study",
    "board": "grid",
    "dress": "overlay style",
    "the looks": "display",
    "course": "deletion curve",
    "succession": "deletion curve",
    "question": "target",
    "law": "distribution",
    "chance": "seed, or random",
    "heeded": "active",
    "unheeded": "inactive",
    "remembered": "cached",
    "laid aside": "paused",
    "let go": "cancelled",
    "stands in": "replaces: infill",
    "stood in": "replaced: infill",
    "asked about": "target",
    "ask about": "explain",
    "ask something else": "other target",
    "did not come to its end": "did not shut down cleanly",
    "nothing is called that": "no matches",
    "asks about": "target",
    "what the network sees": "model input",
    "what it takes a picture for": "predictions",
    "learn what pictures look like": "fit statistics",
}
"""Words that are used for nothing, with what is said instead."""

ORDINARY: dict[str, set[str]] = {
    "README.md": {"chance"},  # the accuracy of guessing
    "pda_studio/studies/patches.py": {"chance"},
    "pda_studio/experiments/gains.py": {"chance"},  # whether a lead is significant
}
"""Where such a word means what it always means."""

PLURALS = {word: re.compile(rf"(?<![a-z]){re.escape(word)}s?(?![a-z])") for word in AVOIDED}


def parts(name: str) -> str:
    """A name in words: `_on_ThingMoved` is “on thing moved”."""
    return " ".join(re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)).lower()


def names(module: ast.Module) -> Iterator[str]:
    """All that a file gives a name to."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


SHOWN = {
    "tr",
    "translate",
    "parameter",
    "Parameter",
    "UsageError",
    "PdaStudioError",
    "echo",
    "print",
}


def texts(module: ast.Module, is_command_line: bool) -> Iterator[str]:
    """All that a file says to users: translated, as help, as an error, or as a command's help."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            called = (
                node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
            )
            given = node.args if called in SHOWN else []
            given = [
                *given,
                *(k.value for k in node.keywords if called in SHOWN or k.arg == "help"),
            ]
            for one in given:
                yield from (
                    part.value
                    for part in ast.walk(one)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                )
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if getattr(target, "id", "") in {"title", "summary", "help", "label"}:
                yield str(node.value.value)
        elif is_command_line and isinstance(node, ast.FunctionDef):
            yield ast.get_docstring(node) or ""


def found(said: str, where: str) -> Iterator[str]:
    """Avoided words in a text of a file."""
    low = " ".join(said.lower().split())
    for word, pattern in PLURALS.items():
        if pattern.search(low) and word not in ORDINARY.get(where, ()):
            yield word


def test_names_and_texts_use_the_words_of_the_field() -> None:
    wrong, seen = [], 0
    for path in FILES:
        module = ast.parse(path.read_text("utf-8"))
        where = path.relative_to(ROOT).as_posix()
        said = [parts(name) for name in names(module)] + list(texts(module, "cli" in path.parts))
        seen += len(said)
        wrong += [
            f"{where}: “{one}”: not “{word}”, but “{AVOIDED[word]}”"
            for one in said
            for word in found(one, where)
        ]
    assert not wrong, "\n".join(wrong)
    assert seen > 10_000


def test_the_readme_uses_the_words_of_the_field() -> None:
    prose = re.sub(r"`[^`]*`", "", (ROOT / "README.md").read_text("utf-8"))
    assert not list(found(prose, "README.md"))
