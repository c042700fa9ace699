"""Imports point one way, and every layer is packaged."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "streaming": set(),
    "models": {"streaming"},
    "bridge": {"streaming"},
    "training": {"streaming", "models"},
    "daemon": {"streaming", "models", "bridge", "training"},
}


def imported_layers(path: Path) -> set[str]:
    """Layers that a file names in ``from ..layer import`` or ``notewire.layer``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            module = (node.module or "").split(".")
            if node.level == 2:
                found |= {module[0]} if node.module else {alias.name for alias in node.names}
            elif module[0] == "notewire":
                found |= set(module[1:2]) or {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names = (alias.name.split(".") for alias in node.names)
            found |= {name[1] for name in names if name[0] == "notewire" and len(name) > 1}
    return found


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_imports_point_one_way(layer: str) -> None:
    files = list((ROOT / layer).glob("*.py"))
    assert files
    for file in files:
        assert imported_layers(file) <= MAY_IMPORT[layer], file


def test_every_layer_is_packaged() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = settings["tool"]["setuptools"]["packages"]
    assert set(packages) == {f"notewire.{layer}" for layer in MAY_IMPORT}


def test_no_layer_has_folders_that_would_not_be_packaged() -> None:
    for layer in MAY_IMPORT:
        assert not [p for p in (ROOT / layer).rglob("*/*.py") if "__pycache__" not in p.parts]
