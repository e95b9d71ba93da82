"""The HTTP endpoints beside the pages: upload, download, files of a run, frames of the laboratory, the support bundle.

The body of an upload is written to disk in pieces, and files of the workspace are streamed, so that neither fills the memory. A
file that does not exist and one that must not be read get the same answer, a 404.
"""

import asyncio
import functools
import json
import re
import shutil
from pathlib import Path

import plotly
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

import visitor
from gan_core.access import signed_links
from gan_core.errors import UserError
from gan_core.learn.frame_server import BUSY, FULL, FrameServer
from gan_core.learn.settings import build
from gan_core.storage.store import Store
from gan_core.storage.workspace import Workspace, check_id, default_workspace, new_id
from gan_core.system import support_bundle as support
from guard import OURS, missing, refuse, same_origin

UPLOAD_BYTES = 20 << 30
KEEP_FREE_BYTES = 1 << 30
WRITE_BYTES = 1 << 20
MOST_UPLOADS = 8  # at once
QUIET_SECONDS, SLOWEST = (
    60.0,
    1000,
)  # an upload that sends nothing for so long, or fewer bytes a second in all, has ended
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")  # of a zip, of an empty one, of one in parts
RECEIVING: set[str] = set()  # ids of the uploads that are under way
LAB_CACHE = "public, max-age=3600"  # a later version of Ganvas may compute other frames for the same link
FOR_EVER = "public, max-age=31536000, immutable"
SAMPLE = re.compile(r"(reals|fakes-[0-9]{9})\.png")
EXPLORED = re.compile(r"grid\.png|image-[0-9]{4}\.png|real-[0-9]{7,9}\.webp")
WALKED = re.compile(r"strip\.png|walk\.(webp|gif|mp4)")
FILM = re.compile(r"timelapse\.(webp|gif|mp4)")
EXPORT = re.compile(r"[^/\\\x00-\x1f.][^/\\\x00-\x1f]{0,150}\.zip")


async def upload(request: Request) -> JSONResponse:
    """PUT /api/uploads: write the body to staging/<id>/upload.zip. Answers {"upload": id, "bytes": n}."""
    if not same_origin(request):
        return refuse(403, "Only the Ganvas page itself may upload.", "Open the Data page and upload there.")
    workspace, upload_id = default_workspace(), new_id("upload")
    try:
        announced = int(request.headers.get("content-length", 0))
    except ValueError:
        return refuse(400, "The upload does not say how large it is.", "Upload the zip again.")
    if refusal := room_for(workspace, announced):
        return refusal
    if len(RECEIVING) >= MOST_UPLOADS:
        return refuse(
            503, f"{MOST_UPLOADS} uploads are under way.", "Wait until one of them has ended, then try again."
        )
    folder = workspace.upload(upload_id)
    folder.mkdir(mode=0o700)
    RECEIVING.add(upload_id)
    whole = False
    try:
        count, refusal = await receive_body(request, workspace, folder / "upload.part")
        if refusal:
            return refusal
        if count == 0 or (announced and count != announced):
            return refuse(400, "The upload is empty or was cut short.", "Upload the zip again.")
        (folder / "upload.part").replace(folder / "upload.zip")
        whole = True
        return JSONResponse({"upload": upload_id, "bytes": count})
    except ClientDisconnect:
        return refuse(400, "The upload was broken off.", "Upload the zip again.")
    except TimeoutError:
        return refuse(
            408, "The upload stood still or was too slow.", "Check the connection, then upload the zip again."
        )
    except OSError:
        return refuse(
            507, "The upload could not be written to disk.", "Free some space on this computer and try again."
        )
    finally:
        RECEIVING.discard(upload_id)
        if not whole:
            shutil.rmtree(folder, ignore_errors=True)


async def receive_body(request: Request, workspace: Workspace, path: Path) -> tuple[int, JSONResponse | None]:
    """Write the body to path in pieces of about WRITE_BYTES. Returns (bytes written, a refusal or None).

    Raises TimeoutError where nothing comes for QUIET_SECONDS, or in all fewer bytes a second than SLOWEST.
    """
    count, waiting, now = 0, bytearray(), asyncio.get_running_loop().time
    began = now()
    with open(path, "xb") as file:
        async with asyncio.timeout(QUIET_SECONDS) as limit:
            async for chunk in request.stream():
                waiting += chunk
                limit.reschedule(QUIET_SECONDS + min(now(), began + (count + len(waiting)) / SLOWEST))
                if count == 0 and len(waiting) >= 4 and bytes(waiting[:4]) not in ZIP_STARTS:
                    return 0, no_zip()
                if len(waiting) >= WRITE_BYTES:
                    await asyncio.to_thread(file.write, bytes(waiting))
                    count += len(waiting)
                    waiting.clear()
                    if refusal := room_for(workspace, 0, count):
                        return count, refusal
        await asyncio.to_thread(file.write, bytes(waiting))
    count += len(waiting)
    return count, no_zip() if 0 < count < 4 else None


def no_zip() -> JSONResponse:
    return refuse(415, "This file is no zip.", "Upload a zip, with one folder for each class.")


def room_for(workspace: Workspace, more: int, so_far: int = 0) -> JSONResponse | None:
    """A refusal where the upload is too large or would fill the disk, else None."""
    if more + so_far > UPLOAD_BYTES:
        return refuse(413, "The zip is larger than 20 GB.", "Give its path under 'Folder on this computer' instead.")
    if shutil.disk_usage(workspace.root).free - more < KEEP_FREE_BYTES:
        return refuse(507, "There is not enough room on this computer's disk.", "Free some space and try again.")
    return None


def send_file(path: Path, cache: str, download: str | None = None) -> FileResponse | JSONResponse:
    """A file, or 404. cache: the Cache-Control header; download: a name under which the browser saves it."""
    if path.is_symlink() or not path.is_file():
        return missing()
    return FileResponse(
        path, headers={"Cache-Control": cache}, filename=download, content_disposition_type="attachment"
    )


async def no_such_file(request: Request) -> JSONResponse:
    """The answer of every other path below OURS."""
    return missing()


async def plotly_script(request: Request) -> FileResponse | JSONResponse:
    """GET plotly.js of the installed plotly, for the curves of the Live page."""
    if request.path_params["version"] != plotly.__version__:
        return missing()
    return send_file((Path(plotly.__file__).parent / "package_data" / "plotly.min.js").resolve(), FOR_EVER)


def without_link(request: Request) -> Response | None:
    """What is answered where the link to a download does not hold, or None where it does. The token in a header needs no link.

    A click on a page that has stood open for too long gets a new link; an address from elsewhere does not.
    """
    path, user = request.scope["path"], visitor.name(request)
    if signed_links.holds(path, user, request.query_params, visitor.secret()) or visitor.shows_token(request):
        return None
    if request.headers.get("sec-fetch-site") == "same-origin":
        headers = {"Cache-Control": "no-store"}
        return RedirectResponse(signed_links.sign(path, user, visitor.secret()), status_code=303, headers=headers)
    return refuse(403, "This link has ended.", "Go back to the page in Ganvas and click the download there.")


async def export_file(request: Request) -> Response:
    """GET the zip of an export, by a signed link."""
    return without_link(request) or await workspace_file(request)


async def workspace_file(request: Request) -> FileResponse | JSONResponse:
    """GET a file of a run, dataset or export. The names in the route say which."""
    named, workspace = request.path_params, default_workspace()
    try:
        if "export" in named and EXPORT.fullmatch(named["file"]):
            return send_file(workspace.export(named["export"]) / named["file"], "no-cache", named["file"])
        if "dataset" in named and named["index"] <= 100_000:
            return send_file(workspace.dataset(named["dataset"]) / "contact" / f"{named['index']}.webp", FOR_EVER)
        if "film" in named and FILM.fullmatch(named["film"]):
            return send_file(workspace.run(named["run"]) / named["film"], "no-cache")
        if "explored" in named and EXPLORED.fullmatch(named["explored"]):
            return send_file(kept(workspace, named, "explore") / named["explored"], FOR_EVER)
        if "walked" in named and WALKED.fullmatch(named["walked"]):
            return send_file(kept(workspace, named, "walks") / named["walked"], FOR_EVER)
        if "sample" in named and SAMPLE.fullmatch(named["sample"]):
            return send_file(workspace.run(named["run"]) / "samples" / named["sample"], FOR_EVER)
    except UserError:
        pass
    return missing()


def kept(workspace: Workspace, named: dict[str, str], kind: str) -> Path:
    """The folder with the images of a job, inside the folder of its run."""
    return workspace.run(named["run"]) / kind / check_id(named["job"], "job")


@functools.cache
def frame_server() -> FrameServer:
    return FrameServer(default_workspace().root / "cache")


async def lab_frames(request: Request) -> FileResponse | JSONResponse:
    """GET /api/lab/{kind}?at=<moves>&game=<settings as JSON>: a chunk of frames, from the cache or computed."""
    if not same_origin(request):
        return refuse(403, "Only the Learn page itself may ask for this.", "Open the Learn page.")
    try:
        game = json.loads(request.query_params.get("game", "{}"))
        settings = build(game if isinstance(game, dict) else {"shape": None})
        file = await frame_server().chunk(settings, request.path_params["kind"], request.query_params.get("at", ""))
    except UserError as refused:
        return refuse(503 if refused in (BUSY, FULL) else 400, refused.what, refused.todo)
    except (ValueError, RecursionError):
        return refuse(400, "This is no game of the laboratory.", "Open the Learn page.")
    return send_file(file, LAB_CACHE)


async def support_bundle(request: Request) -> Response:
    """GET /api/support-bundle: a new support bundle, by a signed link of the System page."""
    if not same_origin(request):
        return missing()
    if refusal := without_link(request):
        return refusal
    workspace = default_workspace()
    content = await asyncio.to_thread(support.bundle, Store(workspace), workspace)
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{support.FILE}"'}
    return Response(content, media_type="application/zip", headers=headers)


async def earlier_address(request: Request) -> RedirectResponse:
    """GET /dataset, the address of the Data page in links and bookmarks of earlier versions."""
    return RedirectResponse(f"data?{request.url.query}")


ROUTES = [
    Route("/api/uploads", upload, methods=["PUT"]),
    Route("/api/exports/{export}/{file}", export_file),
    Route("/dataset", earlier_address),
    Route("/api/support-bundle", support_bundle),
    Route("/api/lab/{kind}", lab_frames),
    Route("/app/static/runs/{run}/samples/{sample}", workspace_file),
    Route("/app/static/runs/{run}/explore/{job}/{explored}", workspace_file),
    Route("/app/static/runs/{run}/walks/{job}/{walked}", workspace_file),
    Route("/app/static/runs/{run}/{film}", workspace_file),
    Route("/app/static/datasets/{dataset}/contact/{index:int}.webp", workspace_file),
    Route("/app/static/plotly-{version}.min.js", plotly_script),
    *(Route(f"{prefix}{{rest:path}}", no_such_file) for prefix in OURS),
]
