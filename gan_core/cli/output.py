"""What a verb writes: it refuses to overwrite anything without --force."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from gan_core.cli.common import Call
from gan_core.storage import file_checks

FORCE = inspect.Parameter(
    "force",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, typer.Option("--force", help="Overwrite what is there.")],
)


def writes(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the option --force, which check_out asks for."""

    @functools.wraps(verb)
    def run(*, force: bool = False, **values: Any) -> None:
        Call.force = force
        verb(**values)

    parameters = [*inspect.signature(verb, eval_str=True).parameters.values()]
    own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    run.__signature__ = inspect.Signature([*own, FORCE])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in (*own, FORCE)}
    return run


def check_out(out: Path, folder: bool = False) -> None:
    """Raise UserError where `out` cannot be written, or is there already and --force was not given."""
    file_checks.check_out(out, folder, force=Call.force)
