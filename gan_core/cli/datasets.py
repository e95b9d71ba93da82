"""The verbs about datasets: import, datasets, inspect, curate."""

import sys
from typing import Annotated, Any

import typer

from gan_core import actions
from gan_core.cli.common import Call, Json, carry_out, context, say
from gan_core.cli.lookup import DatasetId, source_with_id
from gan_core.cli.options import Given, with_options
from gan_core.requests import ImportRequest, InspectRequest


@with_options()
def import_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="ZIP_OR_FOLDER",
            callback=source_with_id,
            help=ImportRequest.model_fields["source"].description,
        ),
    ],
    given: Annotated[dict[str, Any], Given(ImportRequest)],
    as_json: Json = False,
) -> None:
    """Import images: one folder per class. Holds out a validation and a test split that no GAN sees.

    again:DATASET repeats an earlier import with its settings, except for those that are given here. Defaults: 32 px,
    shares of 0.15 for validation and for test, seed 0, cropped, on white.
    """
    request = actions.earlier_request(context(), source)
    choices = request.choices.replace(**given.pop("choices", {}))
    result = carry_out(actions.import_dataset(context(), request.replace(**given, choices=choices)))
    print_notes(result.get("notices", []))
    say(
        as_json,
        result,
        f"Dataset {result.get('dataset')}: {result.get('images', 0):,} images in {len(result.get('classes', {}))} classes, "
        f"{len(result.get('rejected', []))} images rejected.",
    )


def datasets(as_json: Json = False) -> None:
    """List the datasets."""
    rows = [{"id": dataset.id, "name": dataset.name} for dataset in Call.store.datasets()]
    lines = [f"{row['id']}  {row['name']}" for row in rows] or ["No dataset yet: import one."]
    say(as_json, {"datasets": rows}, "\n".join(lines))


@with_options()
def inspect(dataset: DatasetId, request: InspectRequest, as_json: Json = False) -> None:
    """Check a dataset for near duplicates, wrong labels and outliers, and explain the effect of each on a GAN."""
    result = carry_out(actions.inspect(context(), dataset, request))
    lines = [f"Checked {result.get('looked_at', 0):,} of {result.get('of', 0):,} images."]
    for found in result.get("findings", []):
        lines.append(f"{found['level']:<7} {found['kind'].replace('_', '-'):<16} {found['title']}. {found['effect']}")
    say(as_json, result, "\n".join(lines))


def curate(
    dataset: DatasetId,
    exclude: Annotated[
        str | None,
        typer.Option(
            metavar="FINDINGS",
            help="Findings to exclude, as in near-duplicates,suspects,blank. Without it: the exclusions of the Data page.",
        ),
    ] = None,
    background: Annotated[
        str, typer.Option(metavar="COLOUR", help="Cut the objects out and put them on white, grey, black or #rrggbb.")
    ] = "",
    drop_without_object: Annotated[
        bool, typer.Option("--drop-without-object", help="Leave out images in which no object is found.")
    ] = False,
    name: Annotated[str, typer.Option(help="Name of the new dataset.")] = "",
    as_json: Json = False,
) -> None:
    """Make a new dataset from an existing one: without some of its images, or with its objects cut out."""
    findings = (
        None
        if exclude is None
        else [finding.strip().replace("-", "_") for finding in exclude.split(",") if finding.strip()]
    )
    job = actions.curate(
        context(),
        dataset,
        exclude=findings,
        background=background,
        keep_without_object=not drop_without_object,
        name=name,
    )
    result = carry_out(job)
    print_notes(result.get("notices", []))
    say(
        as_json,
        result,
        f"Dataset {result.get('dataset')}: {result.get('images', 0):,} images in {len(result.get('classes', {}))} classes.",
    )


def print_notes(notes: list[str]) -> None:
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
