"""The verbs about what is in a dataset: inspect, curate."""

import sys
from typing import Annotated

import typer

from gan_core import actions
from gan_core.cli.common import Json, carry_out, context, say
from gan_core.cli.names import DatasetId


def inspect(
    dataset: DatasetId,
    seed: Annotated[
        int, typer.Option(help="Draws the pictures that are compared, where there are too many for all.")
    ] = 0,
    as_json: Json = False,
):
    """Look closely at a dataset: near copies, wrong labels, odd pictures, and what each does to a GAN."""
    result = carry_out(actions.inspect(context(), dataset, seed=seed))
    lines = [f"Looked at {result.get('looked_at', 0):,} of {result.get('of', 0):,} pictures."]
    for found in result.get("findings", []):
        lines.append(f"{found['level']:<7} {found['kind'].replace('_', '-'):<16} {found['title']}. {found['effect']}")
    say(as_json, result, "\n".join(lines))


def curate(
    dataset: DatasetId,
    exclude: Annotated[
        str | None,
        typer.Option(
            metavar="FINDINGS",
            help="What to leave out, as in near-duplicates,suspects,blank; without it, what was left out on the page.",
        ),
    ] = None,
    background: Annotated[
        str, typer.Option(metavar="COLOUR", help="Cut the objects out and lay them on white, grey, black or #rrggbb.")
    ] = "",
    drop_without_object: Annotated[
        bool, typer.Option("--drop-without-object", help="Leave pictures out in which no object is found.")
    ] = False,
    name: str = "",
    as_json: Json = False,
):
    """Make a new dataset of one that is there: without some of its pictures, or with its objects cut out."""
    kinds = None if exclude is None else [kind.strip().replace("-", "_") for kind in exclude.split(",") if kind.strip()]
    result = carry_out(
        actions.curate(
            context(),
            dataset,
            exclude=kinds,
            background=background,
            keep_without_object=not drop_without_object,
            name=name,
        )
    )
    for notice in result.get("notices", []):
        print(f"note: {notice}", file=sys.stderr)
    say(
        as_json,
        result,
        f"Dataset {result.get('dataset')}: {result.get('images', 0):,} images in {len(result.get('classes', {}))} classes.",
    )
