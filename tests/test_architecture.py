"""The import arrows of docs/architecture.md point one way."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# A package of gan_core and every package that its files may import, at the top of the file or inside a function.
ARROWS = {
    "text": set(),
    "places": set(),
    "settings": {"errors", "text"},
    "access": {"errors", "storage"},
    "requests": {"errors", "settings", "text"},
    "storage": {"errors", "text", "places"},
    "learn": {"errors", "storage"},
    "data": {"errors", "requests", "text", "storage"},
    "models": {"settings"},
    "system": {"errors", "storage", "data", "places"},
    "evaluation": {"errors", "text", "storage", "models", "system"},
    "generation": {"errors", "storage", "settings", "models"},
    "tracking": {"storage", "evaluation"},
    "training": {"errors", "text", "storage", "settings", "models", "generation", "tracking"},
    "dataset_health": {"errors", "text", "settings", "storage", "data", "evaluation"},
    "export": {"errors", "requests", "text", "places", "data", "dataset_health", "evaluation"},
    "views": {"text", "data", "storage", "settings", "evaluation", "export"},
    "jobs": {
        *("errors", "requests", "text", "storage", "settings", "data", "dataset_health", "models", "training"),
        *("generation", "evaluation", "export", "system", "tracking"),
    },
    "actions": {
        *("errors", "requests", "storage", "settings", "data", "dataset_health", "generation", "evaluation", "export"),
        *("jobs", "text"),
    },
    "cli": {
        *("errors", "text", "requests", "storage", "settings", "data", "generation", "training", "export", "views"),
        *("jobs", "actions", "system", "learn", "access", "places"),
    },
}
# Modules that import torch, or are never needed by who may not wait for it.
TORCH = ("torch", "torchvision", "torch_fidelity", "efficientnet_lite_pytorch")
NETWORKS = ("gan_core.models", "gan_core.training", "gan_core.jobs.handlers", "gan_core.jobs.shared")
# A file or folder that never loads torch, directly or through what it imports at the top of a file.
WITHOUT_TORCH = (
    *(
        "app.py",
        "guard.py",
        "visitor.py",
        "pages",
        "gan_core/actions",
        "gan_core/access",
        "gan_core/requests",
        "gan_core/settings",
        "gan_core/storage",
    ),
    "gan_core/data",
    *("gan_core/export", "gan_core/views", "gan_core/learn", "gan_core/system", "gan_core/tracking", "gan_core/cli"),
    *("gan_core/jobs/queue.py", "gan_core/jobs/rebuild_index.py", "gan_core/evaluation/names_and_thresholds.py"),
    "gan_core/evaluation/lights.py",
)


EXPORTED = ROOT / "gan_core/export/train_script"  # is copied into a zip and never imported here


def files(place: str) -> list[Path]:
    path = ROOT / place
    return sorted(one for one in path.rglob("*.py") if EXPORTED not in one.parents) if path.is_dir() else [path]


@cache
def modules() -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    found = {}
    for path in (
        ROOT / "app.py",
        ROOT / "routes.py",
        ROOT / "guard.py",
        ROOT / "visitor.py",
        *files("pages"),
        *files("gan_core"),
    ):
        found[".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")] = path
    return found


@cache
def imports(path: Path, everywhere: bool) -> frozenset[str]:
    """What a file imports, each as the longest name that may be a module; everywhere: inside functions too."""
    tree = ast.parse(path.read_text())
    names = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def module_of(name: str) -> str | None:
    """The module of this project that an imported name belongs to."""
    while name and name not in modules():
        name = name.rpartition(".")[0]
    return name or None


def edges(everywhere: bool) -> dict[str, set[str]]:
    """module -> modules of this project that it imports. A package's own __init__ comes with each of its modules."""
    graph = {}
    for module, path in modules().items():
        graph[module] = {found for name in imports(path, everywhere) if (found := module_of(name))} - {module}
    return graph


def package_of(module: str) -> str:
    return module.split(".")[1] if module.startswith("gan_core.") else module


@pytest.mark.parametrize("package", ARROWS)
def test_a_package_imports_only_what_its_arrows_allow(package):
    place = ROOT / "gan_core" / package
    inside = files(f"gan_core/{package}") if place.is_dir() else files(f"gan_core/{package}.py")
    assert inside
    for path in inside:
        for name in imports(path, everywhere=True):
            if name.startswith("gan_core."):
                assert name.split(".")[1] in {package, "__version__", *ARROWS[package]}, f"{path.name} imports {name}"
            assert not name.startswith(("streamlit", "pages", "app.", "guard.")), f"{path.name} imports {name}"


def test_every_package_has_its_arrows():
    there = {
        path.stem for path in (ROOT / "gan_core").iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert there - {"__init__", "__main__", "errors"} - set(ARROWS) == set()


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A circle of the graph, or nothing."""
    done: set[str] = set()

    def visit(node: str, way: list[str]) -> list[str]:
        if node in way:
            return way[way.index(node) :]
        if node in done:
            return []
        for other in sorted(graph.get(node, ())):
            if found := visit(other, [*way, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := visit(node, []))), [])


def test_no_circle_between_files():
    assert not circle(edges(everywhere=True))


def test_no_circle_between_packages():
    graph: dict[str, set[str]] = {}
    for module, others in edges(everywhere=True).items():
        graph.setdefault(package_of(module), set()).update(package_of(other) for other in others)
    assert not circle({package: others - {package} for package, others in graph.items()})


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]


@pytest.mark.parametrize("place", WITHOUT_TORCH)
def test_torch_is_not_loaded_by(place):
    graph = edges(everywhere=False)
    names = {path: module for module, path in modules().items()}
    for path in files(place):
        to_do, seen = [names[path]], set()
        while to_do:
            module = to_do.pop()
            if module in seen:
                continue
            seen.add(module)
            own = imports(modules()[module], everywhere=False)
            assert not {name for name in own if name.split(".")[0] in TORCH}, f"{path} loads torch by {module}"
            to_do += graph[module] | {module.rpartition(".")[0]} & set(modules())


@pytest.mark.parametrize("place", ["app.py", "routes.py", "guard.py", "visitor.py", "pages", "gan_core/actions"])
def test_networks_are_not_imported_by(place):
    for path in files(place):
        for name in imports(path, everywhere=True):
            assert name.split(".")[0] not in TORCH, f"{path} imports {name}"
            assert not name.startswith(NETWORKS), f"{path} imports {name}"


def test_a_page_imports_only_its_own_parts_and_shared_ones():
    for path in files("pages"):
        own = path.relative_to(ROOT / "pages").parts[0]
        around = {"sidebar", "index_notice"} if own == "router.py" else set()  # parts of every page
        for name in imports(path, everywhere=True):
            if name.startswith("pages."):
                assert name.split(".")[1] in {own, "shared", *around}, f"{path.relative_to(ROOT)} imports {name}"
                assert not name.endswith(".page"), f"{path.relative_to(ROOT)} imports the page {name}"


def test_a_shared_part_is_used_by_two_pages():
    users: dict[str, set[str]] = {}
    for path in (*files("pages"), ROOT / "app.py"):
        for name in imports(path, everywhere=True):
            module = module_of(name)
            if module and module.startswith("pages.shared."):
                users.setdefault(module, set()).add(
                    str(path.relative_to(ROOT / "pages").parts[0]) if path != ROOT / "app.py" else "app"
                )
    for path in files("pages/shared"):
        module = f"pages.shared.{path.stem}"
        assert users.get(module, set()) - {"router.py", "sidebar.py"} and (
            len(users[module]) > 1 or users[module] == {"shared"}
        ), f"{module} is used by {users.get(module)}"


def test_what_every_test_shares_does_not_load_torch():
    script = "import sys, tests.conftest; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


def test_nothing_unsafe_is_loaded():
    unsafe = re.compile("weights_only" + r"=False|allow_pickle" + r"=True|pickle\." + r"loads?\(|extract" + r"all\(")
    for place in ("app.py", "routes.py", "guard.py", "visitor.py", "pages", "gan_core", "benchmarks", "tests"):
        for path in files(place):
            assert not unsafe.search(path.read_text()), path
