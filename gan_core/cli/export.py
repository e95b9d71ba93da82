"""The verbs that write a result: export, export-model; and demo, from the import of digits to the zip."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gan_core import actions
from gan_core.cli.common import Json, carry_out, context, refuse, say
from gan_core.cli.datasets import print_notes
from gan_core.cli.lookup import AnyId, RunId
from gan_core.cli.options import Given, with_options
from gan_core.cli.output import check_out, writes
from gan_core.errors import UserError
from gan_core.requests import EvaluateRequest, ExportModelRequest, ExportRequest
from gan_core.text import no_such

MODEL_FILES = {"zip": (), "onnx": ("generator.onnx",), "safetensors": ("generator.safetensors", "generator.json")}


@writes
@with_options()
def export(
    source: AnyId,
    out: Annotated[Path, typer.Option(help="The zip to write.")],
    request: ExportRequest,
    as_json: Json = False,
) -> None:
    """Write a balanced zip: real images, generated ones where a class lacks some, the held-out split. Without a run: no GAN."""
    check_out(out)
    job = actions.export(context(), request.replace(**{"dataset" if source.startswith("d") else "run": source}))
    result = carry_out(job)
    print_notes(result.get("notes", []))
    if result["state"] == "finished":
        actions.copy_export(context(), job.subject, result["file"], out)
    said = f"{out}: {result.get('bytes', 0):,} bytes. Drawn images: {result.get('gate_said', 'not checked')}"
    say(as_json, {**result, "export": job.subject, "out": str(out)}, said)


@writes
@with_options()
def export_model(
    run: RunId,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    given: Annotated[dict[str, Any], Given(ExportModelRequest, ("at",))],
    format: Annotated[str, typer.Option(help="zip (both, with scripts that draw), onnx or safetensors.")] = "zip",
    as_json: Json = False,
) -> None:
    """Write the generator as ONNX, as safetensors with a JSON file, or both in a zip."""
    if format not in MODEL_FILES:
        raise UserError(
            "bad_format", no_such("format", format, MODEL_FILES), f"Choose one of {', '.join(MODEL_FILES)}."
        )
    check_out(out)
    beside = out.with_suffix(".json")
    if format == "safetensors" and beside == out:
        raise UserError("bad_out", "The weights and their JSON would be one file.", "Name it with .safetensors.")
    members = dict(zip(MODEL_FILES[format], (out, beside), strict=False))
    for path in members.values():
        check_out(path)
    job = actions.export_model(context(), ExportModelRequest(run=run, **given))
    result = carry_out(job)
    if result["state"] == "finished" and format == "onnx" and result["onnx"] != "written":
        refuse(UserError("no_onnx", result["onnx"], "Take --format safetensors."), 1)
    if result["state"] == "finished":
        actions.copy_export(context(), job.subject, result["file"], out, members)
    written = " and ".join(str(path) for path in members.values()) or str(out)
    say(as_json, {**result, "out": str(out)}, f"{written}: {result['state']}. ONNX: {result.get('onnx')}")


@writes
def demo(
    minutes: Annotated[float, typer.Option(help="Minutes of training.")] = 1.0,
    out: Annotated[Path, typer.Option(help="The zip to write.")] = Path("ganvas-demo.zip"),
    as_json: Json = False,
) -> None:
    """Take handwritten digits from the import to a balanced zip, in under three minutes."""
    here, settings = context(), actions.demo_settings(minutes)
    check_out(out)
    dataset = carry_out(actions.import_dataset(here, actions.DEMO_IMPORT))["dataset"]
    job = actions.train(here, dataset, settings, name="Digits demo")
    trained = carry_out(job)
    scores = carry_out(actions.evaluate(here, job.subject, EvaluateRequest(samples=500, draws=3)))
    exporting = actions.export(here, ExportRequest(run=job.subject, balance=actions.DEMO_TOTAL))
    zipped = carry_out(exporting)
    if zipped["state"] == "finished":
        actions.copy_export(here, exporting.subject, zipped["file"], out)
    value = {
        "dataset": dataset,
        "run": job.subject,
        "export": exporting.subject,
        "images_seen": trained.get("images_seen"),
        "scores": scores,
        "per_class": zipped.get("per_class"),
        "out": str(out),
        "state": zipped["state"],
    }
    said = f"{out}: every class has {actions.DEMO_TOTAL} training images. Run {job.subject}, dataset {dataset}."
    say(as_json, value, said)
