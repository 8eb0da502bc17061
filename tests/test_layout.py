"""Rules of the house that a reader can't see in any one module."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PACKAGES = ("dotmotion_tfds", "trainers", "benchmarks")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def imported_packages(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, (
                f"{path}: a builder found by path needs absolute imports"
            )
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    later = PACKAGES[PACKAGES.index(package) + 1 :]
    assert not set(later) & set(imported_packages(path))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_flags_are_defined_in_mains_only(path):
    if path.name not in ("main.py", "__main__.py"):
        assert "DEFINE_" not in path.read_text(encoding="utf-8")
