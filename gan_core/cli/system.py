"""The verbs about the computer and its disk: clean, support-bundle."""

from pathlib import Path
from typing import Annotated

import typer

from gan_core import actions
from gan_core.cli.common import Call, Json, context, say
from gan_core.storage import cleanup, file_checks
from gan_core.storage.workspace import atomic_write
from gan_core.system import support_bundle as support


def clean(
    what: Annotated[str, typer.Option(metavar="KINDS", help=f"What may go, with commas: {', '.join(cleanup.KINDS)}.")],
    older_than: Annotated[
        float, typer.Option("--older-than", metavar="DAYS", help="Exports at least so many days old.")
    ] = cleanup.EXPORT_DAYS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    as_json: Json = False,
):
    """Free disk: old checkpoints, old exports, the feature cache, left-overs, the trash. A live run is never touched."""
    kinds = [kind.strip() for kind in what.split(",") if kind.strip()]
    freed = actions.clean(context(), kinds, days=older_than, dry_run=dry_run)
    verb = "would go" if dry_run else "removed"
    lines = [
        f"{cleanup.KINDS[kind].title}: {found.pieces:,} {verb}, {found.bytes / 1e6:,.1f} MB. {found.why_not}".rstrip()
        for kind, found in freed.items()
    ]
    total = sum(found.bytes for found in freed.values())
    value = {"dry_run": dry_run, "bytes": total, "what": {kind: found._asdict() for kind, found in freed.items()}}
    say(as_json, value, "\n".join(lines))


def support_bundle(
    out: Annotated[Path, typer.Option(help="The zip to write.")] = Path(support.FILE),
    as_json: Json = False,
):
    """A zip that helps to explain a fault: versions, settings, logs, jobs. No pictures, names or paths."""
    file_checks.check_out(out)
    content = support.bundle(Call.store, Call.workspace)
    atomic_write(out.absolute(), lambda file: file.write(content))
    say(
        as_json,
        {"out": str(out), "bytes": len(content)},
        f"{out}: {len(content):,} bytes. Look through it before you send it.",
    )
