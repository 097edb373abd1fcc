"""Rules about the repository itself."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import hooks
from hooks import specs

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OURS = ("hooks", "adapters", "dispatch_gis", "vms_plugin")
#: What our adapters share, and what their simulators do: neither is an adapter.
SHARED, SIMULATED = "adapters._shared", "adapters._simulated"
SPECS = {
    name: function
    for name, function in inspect.getmembers(specs, inspect.isfunction)
    if hasattr(function, f"{hooks.PROJECT}_spec")
}


def modules() -> list[Path]:
    return [path for folder in OURS for path in (ROOT / folder).rglob("*.py")]


def test_every_adapter_folder_is_under_the_import_rules() -> None:
    folders = {
        f"adapters.{path.name}" for path in (ROOT / "adapters").iterdir()
        if (path / "__init__.py").exists()
    }  # fmt: skip
    linter = PROJECT["tool"]["importlinter"]
    rules = {contract["name"]: contract for contract in linter["contracts"]}
    adapters = folders - {SHARED, SIMULATED}

    assert folders <= set(linter["root_packages"])
    assert set(rules["Adapters do not know one another"]["modules"]) == adapters
    assert set(rules["An adapter knows the contract alone"]["source_modules"]) == folders
    nobody = rules["Nobody imports an adapter: entry points find them"]
    assert set(nobody["forbidden_modules"]) == folders
    shared = rules["What adapters share is no adapter's"]
    assert set(shared["source_modules"]) == {SHARED, SIMULATED}
    assert set(shared["forbidden_modules"]) == adapters
    apart = rules["What simulators share is for them alone"]
    assert set(apart["source_modules"]) == adapters | {SHARED}
    assert apart["forbidden_modules"] == [SIMULATED]


def test_adapters_is_a_namespace_that_strangers_may_join() -> None:
    assert not (ROOT / "adapters" / "__init__.py").exists()


def test_every_adapter_is_found_by_entry_point_and_only_so() -> None:
    declared = PROJECT["project"]["entry-points"]["vms_plugin.adapters"]
    found = {point.name: point.value for point in entry_points(group="vms_plugin.adapters")}

    assert declared.items() <= found.items()


@pytest.mark.parametrize("name", sorted(SPECS))
def test_every_hook_is_documented_with_an_example(name: str) -> None:
    text = inspect.getdoc(SPECS[name]) or ""

    assert f"def {name}(self" in text, f"{name} shows no example"


def test_the_integrators_page_says_what_the_docstrings_say() -> None:
    """Every hook is on it, with its signature and its example: `tools/reference.py` writes it."""
    page = (ROOT / "docs" / "integrators" / "hooks.md").read_text(encoding="utf-8")
    tool = [sys.executable, str(ROOT / "tools" / "reference.py"), "--print"]
    now = subprocess.run(tool, capture_output=True, text=True, check=True, cwd=ROOT).stdout

    assert now == page
    for name, function in SPECS.items():
        assert f"### `{name}({', '.join(inspect.signature(function).parameters)})`" in page


def test_the_contract_is_the_one_released() -> None:
    """A change of the contract is a visible line in review: `tools/contract.py` rewrites it."""
    written = (ROOT / "hooks" / "contract.txt").read_text(encoding="utf-8")
    tool = [sys.executable, str(ROOT / "tools" / "contract.py"), "--print"]
    now = subprocess.run(tool, capture_output=True, text=True, check=True, cwd=ROOT).stdout

    assert now == written


def test_no_sentence_is_given_a_cause_as_the_system_words_it() -> None:
    """`hooks.causes` words it: what a library says is English, and is for the log."""
    found = [
        f"{path.relative_to(ROOT)}:{given.lineno}: {ast.unparse(given)}"
        for path in modules()
        if "simulator" not in path.parts
        for given in _causes(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert found == []


def _causes(tree: ast.AST) -> Iterator[ast.expr]:
    """List what is given as `cause` or `why` and is an error's own text."""
    for handler in ast.walk(tree):
        if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
            continue
        own = {f"str({handler.name})", f"type({handler.name})", f"{handler.name}.strerror"}
        for call in ast.walk(handler):
            if not isinstance(call, ast.Call) or ast.unparse(call.func).startswith("log."):
                continue
            for keyword in call.keywords:
                given = ast.unparse(keyword.value)
                named = keyword.arg in ("cause", "why") or "'cause'" in given or "'why'" in given
                if named and (any(each in given for each in own) or f"{{{handler.name}}}" in given):
                    yield keyword.value


def test_no_module_is_longer_than_one_sitting() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }

    assert long == {}


#: 300 is the aim; the contract's types and the engine read better whole.
LONGEST = 500


def test_public_names_of_the_contract_are_exactly_those_exported() -> None:
    tree = ast.parse((ROOT / "hooks" / "__init__.py").read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert set(hooks.__all__) == imported | {"CONTRACT"}


def test_no_file_names_a_place_of_one_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    places = ("/" + "work/", "/" + "root/", "/" + "home/")

    found = [
        name
        for name in listed
        if Path(name).suffix
        in {".py", ".md", ".toml", ".txt", ".sh", ".js", ".html", ".css", ".yml"}
        and any(place in (ROOT / name).read_text(encoding="utf-8") for place in places)
        if "vendor" not in name
    ]

    assert found == []


def test_the_wheel_holds_our_packages_and_their_data_and_nothing_else(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, check=True, capture_output=True, cwd=ROOT)
    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()

    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == set(OURS)
    for needed in (
        "hooks/py.typed",
        "vms_plugin/migrations/0001_first.sql",
        "vms_plugin/templates/renfort.toml",
        "vms_plugin/locale/fr/LC_MESSAGES/vms_plugin.mo",
        "vms_plugin/static/vendor/leaflet/leaflet.js",
        "adapters/ineo/schemas/json/EMSI.schema.json",
        "adapters/ineo/schemas/xsd/CAP-v1.2.xsd",
        "adapters/ineo/simulator/alarm.wsdl",
    ):
        assert needed in names
