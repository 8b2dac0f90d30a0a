"""A kind of contract for import-linter: what modules may not import as they are loaded."""

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class AtLoadContract(Contract):
    """Modules do not import others while they are loaded; their functions may.

    Options
    -------
    source_modules
        Modules, with all that lie in them.
    forbidden_modules
        What they may not import outside functions, unless for type checkers only.
    """

    type_name = "forbidden_at_load"

    source_modules = fields.SetField(subfield=fields.ModuleField())
    forbidden_modules = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Read the imports of every source module."""
        broken = []
        for source in sorted(module.name for module in self.source_modules):
            for name in sorted({source, *graph.find_descendants(source)}):
                for imported, line in imported_at_load(name):
                    if imported.partition(".")[0] in self.forbidden_modules:
                        broken.append((name, imported, line))
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Tell where what is imported."""
        for name, imported, line in check.metadata["broken"]:
            output.print_error(f"{name} imports {imported} as it is loaded (line {line}).")


def imported_at_load(name: str) -> Iterator[tuple[str, int]]:
    """What a module imports outside functions and `if TYPE_CHECKING`, and in which line."""
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    waiting: list[ast.AST] = [ast.parse(Path(spec.origin).read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
        waiting += ast.iter_child_nodes(node)
