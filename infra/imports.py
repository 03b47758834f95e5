"""Which files of the repository a module needs: by its `import` statements, those of what it imports, and so on."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path


def closure(root: Path, module: str) -> list[str]:
    """Paths below `root`, in order, of a module (`lambdas.judge`), of all it imports, inside of functions too, and of
    the packages that these lie in. What is not below `root` is a library. Raises ValueError: no such module, or a
    relative import."""
    found: set[Path] = set()
    left = [module]
    if not _file(root, module):
        raise ValueError(f"{module} is no module below {root}")
    while left:
        name = left.pop()
        file = _file(root, name)
        if file and file not in found:
            found.add(file)
            left += [*_imported(file), *_packages(name)]
    return sorted(str(file.relative_to(root)) for file in found)


def _file(root: Path, module: str) -> Path | None:
    place = root.joinpath(*module.split("."))
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _packages(module: str) -> Iterator[str]:
    while "." in module:
        module = module.rpartition(".")[0]
        yield module


@cache
def _imported(file: Path) -> tuple[str, ...]:
    """Names that may be modules: of `from a import b`, both a and a.b."""
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level or not node.module:
                raise ValueError(f"{file}:{node.lineno}: a relative import; say the whole name")
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(names)
