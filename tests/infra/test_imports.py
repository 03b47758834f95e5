"""What a function's package is made of."""

from pathlib import Path

import pytest

from infra.imports import closure


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_imports_of_imports_are_found_with_their_packages_and_libraries_are_not(tmp_path: Path) -> None:
    files = {
        "lambdas/__init__.py": "",
        "lambdas/one.py": "import json\nfrom core import a\nfrom core.deep.b import thing\n",
        "lambdas/other.py": "",
        "core/__init__.py": "",
        "core/a.py": "def f():\n    import core.late\n",
        "core/late.py": "from core import a\nfrom boto3 import client\n",
        "core/unused.py": "",
        "core/deep/__init__.py": "from core.deep import c\n",
        "core/deep/b.py": "thing = 1\n",
        "core/deep/c.py": "",
    }
    write(tmp_path, files)
    assert closure(tmp_path, "lambdas.one") == sorted(set(files) - {"lambdas/other.py", "core/unused.py"})


def test_a_relative_import_is_refused_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, {"one.py": "\nfrom . import two\n"})
    with pytest.raises(ValueError, match=r"one\.py:2: a relative import; say the whole name"):
        closure(tmp_path, "one")


def test_a_module_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"lambdas\.none is no module below"):
        closure(tmp_path, "lambdas.none")
