"""Find a run or a dataset on the command line by its id, the start of its id, or its name."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from gan_core.actions import Deleted, deleted
from gan_core.actions.datasets import AGAIN
from gan_core.cli import completion
from gan_core.cli.common import Call, context
from gan_core.errors import UserError
from gan_core.storage.store import Dataset, Run
from gan_core.storage.workspace import ID
from gan_core.text import no_such

SHORTEST = 4  # characters that may stand for an id
HELP = "Its id, the start of it, or its name."
HELP_OF_SEVERAL = f"{HELP} The name of a sweep stands for all its runs."


def find_id(text: str, known: Sequence[Dataset | Run | Deleted]) -> str:
    """The id of the dataset or run that the text names; the text itself where none matches, which the store then refuses.

    An id goes before a name, so that no name can hide a run. Raises UserError several_meant.
    """
    if ID.match(text):
        return text
    found = [one for one in known if one.name == text]
    if not found and len(text) >= SHORTEST:
        found = [one for one in known if one.id.startswith(text)]
    if len(found) > 1:
        listed = ", ".join(one.id for one in found[:5]) + (", ..." if len(found) > 5 else "")
        raise UserError("several_meant", f"{text!r} may be {len(found)} different ones.", f"Give an id: {listed}.")
    if not found and (said := no_such("run or dataset", text, [one.name for one in known])).endswith("?"):
        raise UserError("unknown_id", said, "`runs` and `datasets` list them.")
    return found[0].id if found else text


def run_id(text: str | None) -> str | None:
    return None if text is None else find_id(text, Call.store.runs())


def run_ids(text: list[str]) -> list[str]:
    """Ids, each once. The name of a sweep stands for its runs."""
    known = Call.store.runs()
    names = {run.name for run in known}
    found = []
    for one in text:
        members = [run.id for run in known if run.sweep == one and one not in names]
        found += members[::-1] or [find_id(one, known)]
    return list(dict.fromkeys(found))


def deletable_ids(text: list[str]) -> list[str]:
    """As run_ids, of datasets too; an export has an id alone."""
    runs, datasets = Call.store.runs(), Call.store.datasets()
    sweeps = {run.sweep for run in runs} - {run.name for run in runs}
    found = [run_ids([one]) if one in sweeps else [find_id(one, [*runs, *datasets])] for one in text]
    return list(dict.fromkeys(id for ids in found for id in ids))


def deleted_ids(text: list[str]) -> list[str]:
    known = deleted(context(), "")
    return list(dict.fromkeys(find_id(one, known) for one in text))


def dataset_id(text: str) -> str:
    return find_id(text, Call.store.datasets())


def run_or_dataset_id(text: str) -> str:
    return find_id(text, [*Call.store.runs(), *Call.store.datasets()])


def source_with_id(text: str) -> str:
    """The source of an import, with the id of the dataset in again:DATASET."""
    return AGAIN + dataset_id(text.removeprefix(AGAIN)) if text.startswith(AGAIN) else text


def argument(metavar: str, find: Callable[[Any], Any], help: str = HELP, offered: Sequence[str] = ("runs",)) -> Any:
    return typer.Argument(metavar=metavar, help=help, callback=find, autocompletion=completion.items(*offered))


RunId = Annotated[str, argument("RUN", run_id)]
DatasetId = Annotated[str, argument("DATASET", dataset_id, offered=("datasets",))]
AnyId = Annotated[str, argument("RUN|DATASET", run_or_dataset_id, offered=("runs", "datasets"))]
RunIds = Annotated[list[str], argument("RUN...", run_ids, HELP_OF_SEVERAL)]
DeletableIds = Annotated[list[str], argument("RUN|DATASET|EXPORT...", deletable_ids, HELP_OF_SEVERAL)]
DeletedIds = Annotated[list[str], argument("RUN|DATASET|EXPORT...", deleted_ids)]
