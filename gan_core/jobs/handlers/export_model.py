"""The job `export_model`: the generator of a run as one zip."""

import json
from typing import Any

from gan_core.errors import Stopped, UserError
from gan_core.jobs import queue
from gan_core.jobs.progress import Reporter
from gan_core.jobs.shared.run_sampler import RunSampler
from gan_core.requests import ExportModelRequest
from gan_core.storage.store import Job, Store
from gan_core.storage.workspace import Workspace, write_json


def export_model(store: Store, workspace: Workspace, job: Job, watch: queue.Watch) -> dict[str, Any]:
    """The averaged generator as one zip: ONNX, safetensors, the facts, and how to draw with either."""
    from gan_core.export import model_bundle
    from gan_core.export.safe_names import plain_folder
    from gan_core.export.zip_file import file_facts, write_files
    from gan_core.generation import onnx_export

    progress, request = Reporter(store, job), ExportModelRequest.from_payload(job.payload)
    generator = RunSampler(store.run(request.run), workspace, request.at)
    run, info, config = generator.run, generator.info, generator.config
    classes = info.classes if config.conditional else ["all"]
    facts: dict[str, Any] = {
        "schema": 1,
        "dataset": info.name,
        "run": run.id,
        "recipe": config.recipe,
        "images_seen": generator.images_seen,
        "checkpoint_sha256": generator.sha256,
        "classes": classes,
        "size": info.size,
        "channels": info.channels,
        "z_dim": config.z_dim,
        "config": run.config,
    }
    name, onnx = f"{plain_folder(run.name)}-generator.zip", ""
    with workspace.staging(workspace.export(job.subject)) as staging:
        onnx_export.write_weights(generator.G, staging / "generator.safetensors")
        progress(0.1, "Writing the generator as ONNX")
        try:
            facts["onnx_levels"] = onnx_export.write_onnx(
                generator.G, staging / "generator.onnx", z_dim=config.z_dim, size=info.size, classes=len(classes)
            )
        except UserError as refused:
            onnx = refused.what
        if watch():
            raise Stopped
        texts = model_bundle.members(facts, run.name, onnx) | {"generator.json": json.dumps(facts, indent=1)}
        write_files(staging / name, texts, [path for path in sorted(staging.iterdir()) if path.is_file()])
        for path in sorted(staging.iterdir()):
            if path.name != name:
                path.unlink()
        result = {
            "kind": "export_model",
            "run": run.id,
            "name": run.name,
            **file_facts(staging / name),
            "images_seen": generator.images_seen,
            "onnx": onnx or "written",
        }
        write_json(staging / "export.json", result)
    return result
