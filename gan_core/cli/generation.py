"""The verbs that make animations of a run: walk, timelapse."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from gan_core import actions
from gan_core.cli.common import Call, Json, carry_out, context, say
from gan_core.cli.names import RunId
from gan_core.generation import animation
from gan_core.storage import drawn_images, file_checks
from gan_core.storage.workspace import atomic_write

NoiseScale = Annotated[
    float, typer.Option("--truncation", help="Scale of the noise: 1 as trained, below 1 safer and more alike.")
]
At = Annotated[
    int | None, typer.Option(metavar="IMAGES_SEEN", help="An earlier checkpoint; a run keeps its newest three.")
]


def walk(
    run: RunId,
    out: Annotated[Path, typer.Option(help="The file to write: .webp, .gif or .mp4; a .png is a strip of stills.")],
    class_: Annotated[str | None, typer.Option("--class", help="Where it starts; default the first class.")] = None,
    to_class: Annotated[str | None, typer.Option(help="Where it ends; default the same class.")] = None,
    number: Annotated[int, typer.Option(help="Number of the image it starts at, as `sample` writes it.")] = 0,
    to_number: Annotated[
        int | None, typer.Option(help="Number of the image it ends at; without it, the noise of the start is kept.")
    ] = None,
    frames: Annotated[int, typer.Option(help="Steps from one end to the other.")] = drawn_images.FRAMES,
    seed: int = 0,
    truncation: NoiseScale = 1.0,
    at: At = None,
    as_json: Json = False,
):
    """Write the way from one image to another, or from a class to another, as an animation there and back."""
    format = out.suffix.removeprefix(".").lower()
    if format != "png":
        animation.check_format(format)
    file_checks.check_out(out)
    here = context()
    start = class_ or actions.drawable(here, Call.store.run(run))[0]
    end, same_noise = to_class or start, to_number is None and to_class is not None
    last = to_number if to_number is not None else number if same_noise else number + 1
    job = actions.walk(
        here,
        run,
        (start, number),
        (end, last),
        same_noise=same_noise,
        seed=seed,
        noise_scale=truncation,
        frames=frames,
        at=at,
    )
    result = carry_out(job)
    if result["state"] == "finished":
        name = "strip.png" if format == "png" else f"walk.{format}"
        copy_out(Call.workspace.run(run) / "walks" / job.id / name, out)
    say(as_json, {**result, "out": str(out)}, f"{out}: {start} {number} to {end} {last} in {frames} steps.")


def timelapse(
    run: RunId,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    format: Annotated[str | None, typer.Option(help="webp, gif or mp4; default by the name of the file.")] = None,
    as_json: Json = False,
):
    """Write the sample grids of a run as one animation, at most 300 of them, evenly chosen."""
    format = format or out.suffix.removeprefix(".").lower()
    animation.check_format(format)
    file_checks.check_out(out)
    result = carry_out(actions.timelapse(context(), run, format))
    if result["state"] == "finished":
        copy_out(Call.workspace.run(run) / result["file"], out)
    said = f"{out}: {result.get('frames', 0):,} frames of {result.get('grids', 0):,} grids."
    say(as_json, {**result, "run": run, "out": str(out)}, said)


def copy_out(source: Path, out: Path) -> None:
    with open(source, "rb") as file:
        atomic_write(out.absolute(), lambda target: shutil.copyfileobj(file, target, 1 << 20))
