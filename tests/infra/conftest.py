"""One synth for all tests."""

from pathlib import Path

import pytest

from tests.infra.synthesis import CONTEXT, Template, read, synthesize


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize(tmp_path_factory.mktemp("assembly"), CONTEXT)


@pytest.fixture(scope="session")
def templates(assembly: Path) -> dict[str, Template]:
    return read(assembly)
