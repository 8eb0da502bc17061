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
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {
        call.attr if isinstance(call, ast.Attribute) else ast.unparse(call)
        for call in calls
    }
    is_main = any(
        isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body
    )
    if path.name != "command_line.py":
        assert not {name for name in names if name.startswith("DEFINE_")}
        assert is_main or "Flags" not in names
