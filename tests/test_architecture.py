"""The import arrows of docs/architecture.md point one way."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TORCH = ("torch", "torchvision", "torch_fidelity", "efficientnet_lite_pytorch")
# A file or folder -> what nothing in it may import, anywhere (W) or when it is imported itself (top level only, T).
FORBIDDEN = {
    "app.py": (
        "W",
        (*TORCH, "gan_core.models", "gan_core.training", "gan_core.metrics", "gan_core.handlers", "gan_core.sampling"),
    ),
    "guard.py": ("W", (*TORCH, "gan_core", "pages", "app")),
    "pages": (
        "W",
        (*TORCH, "gan_core.models", "gan_core.training", "gan_core.metrics", "gan_core.handlers", "gan_core.sampling"),
    ),
    "gan_core": ("W", ("streamlit", "pages", "app")),
    "gan_core/data": (
        "W",
        (
            "gan_core.store",
            "gan_core.jobs",
            "gan_core.handlers",
            "gan_core.training",
            "gan_core.models",
            "gan_core.metrics",
        ),
    ),
    "gan_core/metrics": (
        "W",
        ("gan_core.store", "gan_core.jobs", "gan_core.handlers", "gan_core.training", "gan_core.models"),
    ),
    "gan_core/export": ("W", (*TORCH, "gan_core.store", "gan_core.jobs", "gan_core.handlers", "gan_core.training")),
    "gan_core/models": (
        "W",
        (
            "gan_core.store",
            "gan_core.jobs",
            "gan_core.handlers",
            "gan_core.training",
            "gan_core.data",
            "gan_core.metrics",
        ),
    ),
    "gan_core/training": (
        "W",
        ("gan_core.store", "gan_core.jobs", "gan_core.handlers", "gan_core.metrics", "gan_core.data"),
    ),
    "gan_core/fusion.py": ("W", ("gan_core.store", "gan_core.jobs", "gan_core.handlers", "gan_core.training")),
    "gan_core/sharing.py": ("W", ("gan_core.store", "gan_core.jobs", "gan_core.handlers", "gan_core.training")),
    "gan_core/sampling.py": ("W", ("gan_core.store", "gan_core.jobs", "gan_core.handlers", "gan_core.training")),
    "gan_core/lab.py": (
        "W",
        ("gan_core.store", "gan_core.jobs", "gan_core.handlers", "gan_core.data", "gan_core.models"),
    ),
    "gan_core/plane": (
        "W",
        (*TORCH, "gan_core.store", "gan_core.jobs", "gan_core.handlers", "gan_core.data", "gan_core.metrics"),
    ),
    "gan_core/cli": ("T", (*TORCH, "gan_core.lab", "gan_core.training")),
    "gan_core/actions": (
        "W",
        (*TORCH, "gan_core.handlers", "gan_core.training", "gan_core.models", "gan_core.metrics", "gan_core.sampling"),
    ),
    "gan_core/evaluations.py": ("W", (*TORCH, "gan_core.metrics", "gan_core.handlers", "gan_core.training")),
    "gan_core/meaning.py": ("W", (*TORCH, "gan_core.metrics", "gan_core.handlers", "gan_core.training")),
    "gan_core/report_html.py": ("W", (*TORCH, "gan_core.metrics", "gan_core.handlers", "gan_core.training")),
    "gan_core/handlers": ("T", TORCH),
    "gan_core/jobs.py": ("W", (*TORCH, "gan_core.handlers", "gan_core.data")),
    "gan_core/store.py": ("W", (*TORCH, "gan_core.handlers", "gan_core.data", "gan_core.jobs")),
}


def files(place: str) -> list[Path]:
    path = ROOT / place
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def imports(path: Path, everywhere: bool) -> set[str]:
    tree = ast.parse(path.read_text())
    names = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("place", FORBIDDEN)
def test_arrows_point_down(place):
    depth, forbidden = FORBIDDEN[place]
    assert files(place), place
    for path in files(place):
        bad = {
            name for name in imports(path, depth == "W") for no in forbidden if name == no or name.startswith(no + ".")
        }
        assert not bad, f"{path.relative_to(ROOT)} imports {sorted(bad)}"


def test_no_page_imports_another_page():
    pages = {path.stem for path in (ROOT / "pages").glob("*.py")}
    for path in (ROOT / "pages").rglob("*.py"):
        assert not {f"pages.{p}" for p in pages} & imports(path, True), path.name


def test_nothing_unsafe_is_loaded():
    unsafe = re.compile("weights_only" + r"=False|allow_pickle" + r"=True|pickle\." + r"loads?\(|extract" + r"all\(")
    for place in ("app.py", "guard.py", "pages", "gan_core", "benchmarks", "tests"):
        for path in files(place):
            assert not unsafe.search(path.read_text()), path
