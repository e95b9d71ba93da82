"""The verbs that take something from a trained run: sample, evaluate, utility, detect, export; and demo, the whole way."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gan_core import actions
from gan_core.cli.common import Call, Json, carry_out, context, refuse, say
from gan_core.cli.names import AnyId, RunId
from gan_core.errors import UserError
from gan_core.export import plan
from gan_core.export.fill.classical import Policy
from gan_core.export.quality_filter import CHECKS
from gan_core.settings import bounds
from gan_core.storage import file_checks
from gan_core.storage.workspace import atomic_write
from gan_core.views import evaluation_results

MODEL_FILES = {"zip": (), "onnx": ("generator.onnx",), "safetensors": ("generator.safetensors", "generator.json")}
SWEEP = ",".join(map("{:g}".format, actions.SHARES))


def sample(
    run: RunId,
    per_class: Annotated[int, typer.Option(min=1, max=100_000)],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    class_: Annotated[str | None, typer.Option("--class")] = None,
    seed: int = 0,
    truncation: Annotated[float, typer.Option(min=0.0, max=4.0)] = 1.0,
    from_images: Annotated[
        bool, typer.Option("--from-images", help="Variants of real training images, as far as the run can draw them.")
    ] = False,
    strength: Annotated[float, typer.Option(help="With --from-images: share of fresh noise, 0 to 1.")] = 0.3,
    as_json: Json = False,
):
    """Draw images of each class into OUT/<class>/."""
    from gan_core.jobs.handlers import variants
    from gan_core.jobs.shared.run_sampler import Sampling

    actions.trained_run(context(), run)
    bounds.check_seed(seed)
    bounds.check_strength(strength)
    file_checks.check_out(out, folder=True)
    generator = Sampling(Call.store.run(run), Call.workspace)
    if from_images:
        fused = variants.write(generator, Call.workspace, out, per_class, class_, seed, strength)
        value = {"run": run, "out": str(out), "seed": seed, "strength": strength, **fused}
        say(as_json, value, f"{fused['files']:,} variants of real images in {out}.")
        return
    written = generator.write(out, per_class, class_, seed, truncation)
    say(as_json, {"run": run, "out": str(out), "files": written, "seed": seed}, f"{written:,} images in {out}.")


def evaluate(
    run: RunId,
    samples: int = 1000,
    draws: Annotated[int, typer.Option(help="Independent draws of that many samples: they give the intervals.")] = 5,
    extractor: str = "auto",
    weights: str = "",
    against: str = "train",
    seed: int = 0,
    at: Annotated[
        int | None, typer.Option(metavar="IMAGES_SEEN", help="An earlier checkpoint; a run keeps its newest three.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the whole report into one HTML file as well.")] = None,
    as_json: Json = False,
):
    """Scores of a run beside the real-against-real floor, variety and copying, over all and per class."""
    if html is not None:
        file_checks.check_out(html)
    job = actions.evaluate(
        context(),
        run,
        samples=samples,
        draws=draws,
        extractor=extractor,
        weights=weights,
        against=against,
        seed=seed,
        at=at,
    )
    result = carry_out(job)
    if html is not None and result["state"] == "finished":
        atomic_write(html, lambda file: file.write(evaluation_results.report(Call.store, Call.workspace, job).encode()))
    say(as_json, result, json.dumps(result, indent=2, ensure_ascii=False))


def utility(
    run: RunId,
    seeds: Annotated[int, typer.Option(help="Classifiers trained for each arm.")] = 5,
    shots: Annotated[int | None, typer.Option(help="At most so many real images of each class.")] = None,
    updates: Annotated[int, typer.Option(help="Steps of training, the same for every classifier.")] = 300,
    seed: int = 0,
    method: Annotated[str, typer.Option(help="How they are made: gan, classical, composite, or shares.")] = "gan",
    flips: Annotated[bool, typer.Option(help="Copies and objects may be mirrored.")] = False,
    shares: Annotated[
        str, typer.Option(help="Synthetic images for each real one of the largest class, to sweep over.")
    ] = SWEEP,
    as_json: Json = False,
):
    """Do the synthetic images help a classifier? Against classical augmentation, on the held-out images, with intervals."""
    result = carry_out(
        actions.utility(
            context(),
            run,
            seeds=seeds,
            shots=shots,
            updates=updates,
            seed=seed,
            shares=numbers(shares),
            methods=plan.parse_methods(method),
            policy=Policy(flips=flips),
        )
    )
    say(as_json, result, json.dumps(result, indent=2, ensure_ascii=False))


def numbers(text: str) -> list[float]:
    """'0.5,1' -> [0.5, 1.0]. Raises UserError."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError("bad_share", f"{text!r} is no list of shares.", "Write them as in 0.5,1,2.") from None


def detect(
    run: RunId,
    folder: Annotated[Path, typer.Argument(help="A folder of images; nothing in it is changed.")],
    out: Annotated[Path | None, typer.Option(help="Write the score of every image into this CSV file.")] = None,
    as_json: Json = False,
):
    """Score a folder of images as real or generated by this run, with the detector of its newest measurement."""
    if out is not None:
        file_checks.check_out(out)
    job = actions.detect(context(), run, str(folder))
    result = carry_out(job)
    if out is not None and result["state"] == "finished":
        source = Call.workspace.run(run) / "detections" / job.id / "scores.csv"
        atomic_write(out, lambda file: file.write(source.read_bytes()))
    say(
        as_json,
        result,
        f"{result.get('generated', 0):,} of {result.get('n', 0):,} images look generated by run {run}. On images it had not "
        f"seen the detector was right in {result.get('accuracy', 0):.0%}.",
    )


def export(
    source: AnyId,
    out: Annotated[Path, typer.Option(help="The zip to write.")],
    balance: Annotated[str, typer.Option(help="largest, median, a total per class, or class=total,...")] = "largest",
    originals: Annotated[
        bool, typer.Option("--originals/--no-originals", help="With the real training images, or only synthetic.")
    ] = True,
    seed: int = 0,
    gate: Annotated[bool, typer.Option("--gate/--no-gate", help="Refuse copies of training images.")] = True,
    checked: Annotated[
        str,
        typer.Option("--checks", help="What drawn images are left out for: of label, realism, copy, twin; or none."),
    ] = ",".join(CHECKS),
    method: Annotated[
        str,
        typer.Option(
            help="gan, classical (changed copies), composite (objects on other grounds), or shares: gan=3,classical=1."
        ),
    ] = "",
    flips: Annotated[
        bool, typer.Option(help="Copies and objects may be mirrored: not for digits and letters.")
    ] = False,
    turns: Annotated[bool, typer.Option(help="Copies and objects may be turned a little.")] = True,
    format: Annotated[str, typer.Option(help="png, jpeg or webp.")] = "png",
    size: Annotated[int | None, typer.Option(help="Resize pictures to so many px; default the dataset's size.")] = None,
    light: Annotated[bool, typer.Option(help="Changed copies may be lighter, darker, of other contrast.")] = True,
    layout: Annotated[
        str,
        typer.Option(help="imagefolder, webdataset (tar shards), or auto: shards for more than 100,000 pictures."),
    ] = "auto",
    unpad: Annotated[bool, typer.Option("--unpad", help="Cut off what the import padded to squares.")] = False,
    as_json: Json = False,
):
    """Write a balanced zip: real images, the missing ones made, the held-out split apart. Of a dataset: without a GAN."""
    wanted = actions.parse_balance(context(), source, balance)
    file_checks.check_out(out)
    job = actions.export(
        context(),
        source,
        wanted,
        originals=originals,
        seed=seed,
        gate=gate,
        checks=[] if checked.strip() == "none" else [name.strip() for name in checked.split(",")],
        layout=layout,
        unpad=unpad,
        methods=plan.parse_methods(method) if method else None,
        policy=Policy(flips, turns, light),
        format=format,
        side=size,
    )
    result = carry_out(job)
    for note in result.get("notes", []):
        print(f"note: {note}", file=sys.stderr)
    if result["state"] == "finished":
        actions.copy_export(context(), job.subject, result["file"], out)
    say(
        as_json,
        {**result, "export": job.subject, "out": str(out)},
        f"{out}: {result.get('bytes', 0):,} bytes. Drawn images: {result.get('gate_said', 'not checked')}",
    )


def export_model(
    run: RunId,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    format: Annotated[str, typer.Option(help="zip (both, with scripts that draw), onnx or safetensors.")] = "zip",
    as_json: Json = False,
):
    """Write the generator itself: as ONNX, as safetensors with a JSON beside it, or both in a zip."""
    if format not in MODEL_FILES:
        raise UserError("bad_format", f"There is no format {format!r}.", f"Choose one of {', '.join(MODEL_FILES)}.")
    file_checks.check_out(out)
    beside = out.with_suffix(".json")
    if format == "safetensors" and beside == out:
        raise UserError("bad_out", "The weights and their JSON would be one file.", "Name it with .safetensors.")
    members = dict(zip(MODEL_FILES[format], (out, beside), strict=False))
    for path in members.values():
        file_checks.check_out(path)
    job = actions.export_model(context(), run)
    result = carry_out(job)
    if result["state"] == "finished" and format == "onnx" and result["onnx"] != "written":
        refuse(UserError("no_onnx", result["onnx"], "Take --format safetensors."), 1)
    if result["state"] == "finished":
        actions.copy_export(context(), job.subject, result["file"], out, members)
    written = " and ".join(str(path) for path in members.values()) or str(out)
    say(as_json, {**result, "out": str(out)}, f"{written}: {result['state']}. ONNX: {result.get('onnx')}")


def demo(minutes: float = 1.0, out: Path = Path("ganvas-demo.zip"), as_json: Json = False):
    """Handwritten digits from import to a balanced zip, in under three minutes."""
    here, settings = context(), actions.demo_settings(minutes)
    file_checks.check_out(out)
    imported = carry_out(
        actions.import_dataset(here, actions.DEMO_SOURCE, name=actions.DEMO_NAME, size=actions.DEMO_SIZE)
    )
    job = actions.train(here, imported["dataset"], settings, name="Digits demo")
    trained = carry_out(job)
    scores = carry_out(actions.evaluate(here, job.subject, samples=500, draws=3))
    exporting = actions.export(here, job.subject, actions.DEMO_TOTAL)
    zipped = carry_out(exporting)
    if zipped["state"] == "finished":
        actions.copy_export(here, exporting.subject, zipped["file"], out)
    value = {
        "dataset": imported["dataset"],
        "run": job.subject,
        "export": exporting.subject,
        "images_seen": trained.get("images_seen"),
        "scores": scores,
        "per_class": zipped.get("per_class"),
        "out": str(out),
        "state": zipped["state"],
    }
    say(
        as_json,
        value,
        f"{out}: every class has {actions.DEMO_TOTAL} training images. Run {job.subject}, dataset {imported['dataset']}.",
    )
