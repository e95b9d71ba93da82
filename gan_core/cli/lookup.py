"""Find a run or a dataset on the command line by its id, the start of its id, or its name."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from gan_core.actions import Deleted, deleted
from gan_core.actions.datasets import AGAIN
from gan_core.cli.common import Call, context
from gan_core.errors import UserError
from gan_core.storage.store import Dataset, Run
from gan_core.storage.workspace import ID

SHORTEST = 4  # characters that may stand for an id
HELP = "Its id, the start of it, or its name."


def meant(said: str, known: Sequence[Dataset | Run | Deleted]) -> str:
    """The id of the dataset or run that is meant. What was said comes back where nothing matches: the store then refuses it.

    An id goes before a name, so that no name can hide a run. Raises UserError several_meant.
    """
    if ID.match(said):
        return said
    found = [one for one in known if one.name == said]
    if not found and len(said) >= SHORTEST:
        found = [one for one in known if one.id.startswith(said)]
    if len(found) > 1:
        listed = ", ".join(one.id for one in found[:5]) + (", ..." if len(found) > 5 else "")
        raise UserError("several_meant", f"{said!r} may be {len(found)} different ones.", f"Give an id: {listed}.")
    return found[0].id if found else said


def a_run(said: str | None) -> str | None:
    return None if said is None else meant(said, Call.store.runs())


def some_runs(said: list[str]) -> list[str]:
    """Ids, each once."""
    known = Call.store.runs()
    return list(dict.fromkeys(meant(one, known) for one in said))


def some_deleted(said: list[str]) -> list[str]:
    known = deleted(context())
    return list(dict.fromkeys(meant(one, known) for one in said))


def a_dataset(said: str) -> str:
    return meant(said, Call.store.datasets())


def either(said: str) -> str:
    return meant(said, [*Call.store.runs(), *Call.store.datasets()])


def a_source(said: str) -> str:
    """The source of an import, with the id of the dataset in again:DATASET."""
    return AGAIN + a_dataset(said.removeprefix(AGAIN)) if said.startswith(AGAIN) else said


def argument(metavar: str, find: Callable[[Any], Any]) -> Any:
    return typer.Argument(metavar=metavar, help=HELP, callback=find)


RunId = Annotated[str, argument("RUN", a_run)]
DatasetId = Annotated[str, argument("DATASET", a_dataset)]
AnyId = Annotated[str, argument("RUN|DATASET", either)]
RunIds = Annotated[list[str], argument("RUN...", some_runs)]
DeletedIds = Annotated[list[str], argument("RUN...", some_deleted)]
