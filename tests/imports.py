"""What the modules below a folder import from each other, read from their source: nothing is loaded.

Imports inside functions and below ``TYPE_CHECKING`` count: whoever reads the module must follow them all the same.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

Graph = Mapping[str, frozenset[str]]  # module → modules that it imports, both as dotted names


def import_graph(base: Path, parts: Iterable[str]) -> Graph:
    """The imports between the modules of these parts.

    :param base: the folder that is on Python's path.
    :param parts: packages or modules below it, such as ``verify`` or ``app.py``.
    """
    places = [base / part for part in parts]
    files = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))]
    modules = {_module(file, base): file for file in files}
    return {module: frozenset(_imports(file, base)) & modules.keys() - {module} for module, file in modules.items()}


@cache
def import_statements(file: Path) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """Every import of a file, also those inside functions. A file is read once."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return tuple(node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))


def _module(file: Path, base: Path) -> str:
    parts = file.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(file: Path, base: Path) -> Iterator[str]:
    """Every module that the file names; ``from package import name`` may name the module ``package.name``."""
    package = file.relative_to(base).parts[:-1]
    for node in import_statements(file):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            above = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                place = base.joinpath(*source.split("."), alias.name)
                is_module = place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()
                yield f"{source}.{alias.name}" if is_module else source


def circle(graph: Graph) -> list[str]:
    """One circle of imports, first module and last the same; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def order_faults(graph: Graph, part: str, order: Sequence[Sequence[str]]) -> list[str]:
    """What contradicts the order of a part's folders and modules.

    :param part: the package whose first level is meant, as a dotted name such as ``verify.posture``.
    :param order: names of folders and modules at that level, ``__init__`` for the package's own. Each imports only from
        the groups to its right; those of one group do not import each other.
    :returns: one line for each import that goes the wrong way, each name that is missing and each that is not there.
    """
    position = {name: index for index, group in enumerate(order) for name in group}
    inside = {module: _first_level(module, part) for module in graph if f"{module}.".startswith(f"{part}.")}
    there = set(inside.values())
    return sorted(
        [
            *(f"{part} has {name}, which is not in the order" for name in there - position.keys()),
            *(f"{name} is in the order of {part} and does not exist" for name in position.keys() - there),
            *(
                f"{module} imports {target}"
                for module, name in inside.items()
                for target in graph[module] & inside.keys()
                if {name, inside[target]} <= position.keys()
                if name != inside[target] and position[name] >= position[inside[target]]
            ),
        ]
    )


def _first_level(module: str, part: str) -> str:
    return module.removeprefix(part).removeprefix(".").partition(".")[0] or "__init__"
