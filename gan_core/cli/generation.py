"""The verbs that draw images of a run: sample, walk, timelapse."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gan_core import actions
from gan_core.actions.export import copy_file
from gan_core.cli.common import Call, Json, carry_out, context, say
from gan_core.cli.lookup import RunId
from gan_core.cli.options import Given, with_options
from gan_core.cli.output import check_out, writes
from gan_core.cli.progress import Counter
from gan_core.generation import animation
from gan_core.requests import SampleRequest, TimelapseRequest, WalkEnd, WalkRequest


@writes
@with_options()
def sample(
    run: RunId,
    request: SampleRequest,
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    as_json: Json = False,
) -> None:
    """Draw images of each class into OUT/<class>/."""
    from gan_core.jobs.handlers import variants
    from gan_core.jobs.shared.run_sampler import RunSampler

    actions.trained_run(context(), run, request.at)
    check_out(out, folder=True)
    generator = RunSampler(Call.store.run(run), Call.workspace, request.at)
    count, only, seed = request.per_class, request.class_name, request.seed
    counter = Counter(count * (1 if only else len(generator.classes)))
    generator.on_written = counter.add
    if request.from_images:
        written = variants.write(generator, Call.workspace, out, count, only, seed, request.strength)
        counter.end()
        value = {"run": run, "out": str(out), "seed": seed, "strength": request.strength, **written}
        say(as_json, value, f"{written['files']:,} variants of real images in {out}.")
        return
    files = generator.write(out, count, only, seed, request.truncation)
    counter.end()
    say(as_json, {"run": run, "out": str(out), "files": files, "seed": seed}, f"{files:,} images in {out}.")


@writes
@with_options()
def walk(
    run: RunId,
    out: Annotated[Path, typer.Option(help="The file to write: .webp, .gif or .mp4; a .png is a strip of stills.")],
    given: Annotated[dict[str, Any], Given(WalkRequest, ("frames", "seed", "truncation", "at"))],
    class_: Annotated[
        str | None, typer.Option("--class", help="The class it starts from. Default: the first class.")
    ] = None,
    to_class: Annotated[str | None, typer.Option(help="The class it ends at. Default: the same class.")] = None,
    number: Annotated[int, typer.Option(help="Number of the image it starts at, as `sample` writes it.")] = 0,
    to_number: Annotated[
        int | None,
        typer.Option(help="Number of the image it ends at. Without it the latent code of the start is kept."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a latent walk from one image or class to another, and back, as an animation."""
    format = out.suffix.removeprefix(".").lower()
    if format != "png":
        animation.check_format(format)
    check_out(out)
    start = class_ or actions.drawable(context(), Call.store.run(run))[0]
    end, same_noise = to_class or start, to_number is None and to_class is not None
    last = to_number if to_number is not None else number if same_noise else number + 1
    ends = WalkEnd(class_name=start, number=number), WalkEnd(class_name=end, number=last)
    request = WalkRequest(start=ends[0], end=ends[1], same_noise=same_noise, **given)
    job = actions.walk(context(), run, request)
    result = carry_out(job)
    if result["state"] == "finished":
        name = "strip.png" if format == "png" else f"walk.{format}"
        copy_file(Call.workspace.run(run) / "walks" / job.id / name, out)
    said = f"{out}: {start} {number} to {end} {last} in {request.frames} steps."
    say(as_json, {**result, "out": str(out)}, said)


@writes
@with_options()
def timelapse(
    run: RunId,
    out: Annotated[Path, typer.Option(help="The file to write; its name decides the format where --format does not.")],
    given: Annotated[dict[str, Any], Given(TimelapseRequest)],
    as_json: Json = False,
) -> None:
    """Write the sample grids of a run as one animation of at most 300 frames, evenly chosen."""
    format = given.get("format", out.suffix.removeprefix(".").lower())
    animation.check_format(format)
    check_out(out)
    result = carry_out(actions.timelapse(context(), run, TimelapseRequest(format=format)))
    if result["state"] == "finished":
        copy_file(Call.workspace.run(run) / result["file"], out)
    said = f"{out}: {result.get('frames', 0):,} frames of {result.get('grids', 0):,} grids."
    say(as_json, {**result, "run": run, "out": str(out)}, said)
