"""TensorBoard's event files, by tensorboardX.

Each attempt of a run writes a file beside metrics.jsonl. Its first record makes TensorBoard drop what an earlier attempt wrote
beyond the checkpoint that this attempt started from. Scores go into evaluations/, because TensorBoard reads only the newest
file of a folder and would otherwise lose a run that still trains.
"""

import json
import time
from pathlib import Path
from typing import Any

from PIL import Image

GRID_GROWTH = (
    1.25  # a grid is copied when the run is 1.25 times further than at the last one: about thirty grids in all
)


class EventFiles:
    """Rows as scalars, settings as text, some grids as images; scores in a file of their own."""

    def __init__(self, folder: Path, settings: dict[str, Any], images_seen: int) -> None:
        self.folder, self.settings, self.began_at, self.next_grid = folder, settings, images_seen, 0.0
        self.file: EventFile | None = None

    def add(self, images_seen: int, summary: Any) -> None:
        """Write a record of this attempt. The file is created at the first one."""
        if self.file is None:
            from tensorboardX.proto.event_pb2 import SessionLog
            from tensorboardX.summary import text

            self.file = EventFile(self.folder)
            self.file.add(self.began_at + bool(self.began_at), session_log=SessionLog(status=SessionLog.START))
            shown = text(
                "settings", "\n".join(f"    {name}: {json.dumps(value)}" for name, value in self.settings.items())
            )
            shown.value[0].tag = "settings"
            self.file.add(self.began_at, summary=shown)
        self.file.add(images_seen, summary=summary)

    def row(self, images_seen: int, values: dict[str, float]) -> None:
        self.add(images_seen, scalars(values))

    def grid(self, images_seen: int, path: Path) -> None:
        if images_seen >= self.next_grid:
            self.next_grid = max(1, images_seen) * GRID_GROWTH
            self.add(images_seen, picture("samples", path))

    def scores(self, images_seen: int, values: dict[str, float]) -> None:
        file = EventFile(self.folder / "evaluations")
        file.add(images_seen, summary=scalars(values))
        file.close()

    def close(self, ended: str) -> None:
        if self.file is not None:
            self.file.close()


class EventFile:
    """A new file of Event messages, named after its time, as readers take files in the order of their names."""

    def __init__(self, folder: Path) -> None:
        from tensorboardX.record_writer import RecordWriter

        if not folder.is_dir():
            raise FileNotFoundError(folder)  # the writer would create it
        self.writer = RecordWriter(str(folder / f"events.out.tfevents.{time.time():017.6f}.ganvas"))
        self.add(0, file_version="brain.Event:2")

    def add(self, step: int, **content: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        self.writer.write(Event(wall_time=time.time(), step=step, **content).SerializeToString())
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()


def scalars(values: dict[str, float]) -> Any:
    from tensorboardX.proto.summary_pb2 import Summary

    return Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])


def picture(tag: str, png: Path) -> Any:
    from tensorboardX.proto.summary_pb2 import Summary

    with Image.open(png) as opened:
        width, height = opened.size
    image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png.read_bytes())
    return Summary(value=[Summary.Value(tag=tag, image=image)])
