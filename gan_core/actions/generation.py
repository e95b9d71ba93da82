"""Queue the jobs of the Samples page: new images, a latent walk, variants of real images, the timelapse."""

from gan_core.actions.context import Context, trained_run
from gan_core.data import dataset as dataset_folder
from gan_core.errors import UserError
from gan_core.generation import animation
from gan_core.requests import ExploreRequest, TimelapseRequest, VariantsRequest, WalkRequest
from gan_core.settings.families import why_no_walk
from gan_core.storage.store import Job, Run
from gan_core.text import no_such


def drawable(context: Context, run: Run) -> list[str]:
    """The classes that a run can draw: those of its dataset, or 'all' where it ignored the labels."""
    info = dataset_folder.read_info(context.workspace.dataset(run.dataset_id))
    return info.classes if run.config["conditional"] else ["all"]


def explore(
    context: Context,
    run_id: str,
    request: ExploreRequest = ExploreRequest(),  # noqa: B008  it is immutable
    *,
    token: str | None = None,
) -> Job:
    """Queue a grid of new images with their nearest real ones. Raises UserError no_checkpoint, unknown_class."""
    run = trained_run(context, run_id, request.at)
    if request.class_name is not None:
        check_class(context, run, request.class_name)
    return context.submit("explore", run.id, request.payload(), token=token)


def walk(context: Context, run_id: str, request: WalkRequest, *, token: str | None = None) -> Job:
    """Queue a latent walk. Raises UserError no_checkpoint, unknown_class, no_walk, no_way."""
    run = trained_run(context, run_id, request.at)
    start, end = request.start, request.end
    for name in (start.class_name, end.class_name):
        check_class(context, run, name)
    if reason := why_no_walk(run.config["family"]):
        raise UserError("no_walk", reason, "Use a run of a GAN or of the autoencoder.")
    if start.class_name == end.class_name and (request.same_noise or start.number == end.number):
        raise UserError("no_way", "The walk starts and ends at the same image.", "Choose two images, or two classes.")
    return context.submit("walk", run.id, request.payload(), token=token)


def variants(context: Context, run_id: str, request: VariantsRequest, *, token: str | None = None) -> Job:
    """Queue a sheet of variants of real images of a class. Raises UserError no_checkpoint, unknown_class."""
    run = trained_run(context, run_id, request.at)
    check_class(context, run, request.class_name)
    return context.submit("variants", run.id, request.payload(), token=token)


def timelapse(
    context: Context,
    run_id: str,
    request: TimelapseRequest = TimelapseRequest(),  # noqa: B008  it is immutable
    *,
    token: str | None = None,
) -> Job:
    """Queue the sample grids of a run as an animation. Raises UserError no_av where MP4 cannot be written."""
    animation.check_format(request.format)
    return context.submit("timelapse", trained_run(context, run_id).id, request.payload(), token=token)


def check_class(context: Context, run: Run, name: str) -> None:
    classes = drawable(context, run)
    if name not in classes:
        what = no_such("class", name, classes)
        raise UserError("unknown_class", what, f"Choose one of {', '.join(classes[:20])}.")
