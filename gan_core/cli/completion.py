"""What the shell offers after a Tab: ids with their names, recipes and settings. `ganvas --install-completion` switches it on."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import typer

from gan_core.errors import UserError
from gan_core.settings import recipes
from gan_core.settings.schema import TrainConfig
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, default_workspace

Offer = list[tuple[str, str]]  # (value, what it is)


def store_of(typed: typer.Context) -> Store:
    """The index of the workspace on the command line."""
    named = typed.find_root().params.get("workspace")
    return Store(Workspace(Path(named)) if named else default_workspace())


def items(*kinds: str) -> Callable[[typer.Context, str], Offer]:
    """kinds: "runs" and "datasets"."""

    def offer(typed: typer.Context, incomplete: str) -> Offer:
        with contextlib.suppress(UserError, OSError, sqlite3.DatabaseError):
            store = store_of(typed)
            known = [(one.id, one.name) for kind in kinds for one in getattr(store, kind)()]
            return [(id, name) for id, name in known if id.startswith(incomplete)]
        return []

    return offer


def recipe_names(incomplete: str) -> Offer:
    known = {"auto": "Chooses one and says why.", **{name: recipe.title for name, recipe in recipes.RECIPES.items()}}
    return [(name, title) for name, title in known.items() if name.startswith(incomplete)]


def setting_names(incomplete: str) -> Offer:
    fields = TrainConfig.model_fields.items()
    return [(f"{name}=", info.title or "") for name, info in fields if name.startswith(incomplete) and name != "recipe"]
