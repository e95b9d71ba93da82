"""TensorBoard's event files, written without TensorBoard: records of a protobuf message `Event`, each with two checksums.

A file for each attempt, beside metrics.jsonl; its first record tells the reader to forget what an earlier attempt wrote beyond
the checkpoint that this one went on from. Scores go into evaluations/, so that TensorBoard, which reads the newest file of a
folder only, does not lose sight of a run that still trains.
"""

import json
import struct
import time
from pathlib import Path
from typing import Any

GRID_GROWTH = 1.25  # a grid goes in when the run is so many times further: some thirty in all, not a copy of samples/


class EventFiles:
    """Rows as scalars, settings as text, some grids as pictures; scores in a file of their own."""

    def __init__(self, folder: Path, settings: dict[str, Any], images_seen: int):
        self.folder, self.settings, self.began_at, self.next_grid = folder, settings, images_seen, 0.0
        self.path: Path | None = None

    def add(self, images_seen: int, content: bytes) -> None:
        """A record of this attempt, whose file begins with its first."""
        if self.path is None:
            self.path = begin(self.folder)
            restart = number(1, 1)  # SessionLog: status START, and the reader forgets what it has from this step on
            append(self.path, event(self.began_at + bool(self.began_at), field(7, restart)))
            text = "\n".join(f"    {name}: {json.dumps(value)}" for name, value in self.settings.items())
            append(self.path, event(self.began_at, field(5, text_value("settings", text))))
        append(self.path, event(images_seen, content))

    def row(self, images_seen: int, values: dict[str, float]) -> None:
        self.add(images_seen, scalars(values))

    def grid(self, images_seen: int, path: Path) -> None:
        if images_seen >= self.next_grid:
            self.next_grid = max(1, images_seen) * GRID_GROWTH
            self.add(images_seen, field(5, picture("samples", path.read_bytes())))

    def scores(self, images_seen: int, values: dict[str, float]) -> None:
        append(begin(self.folder / "evaluations"), event(images_seen, scalars(values)))

    def close(self, ended: str) -> None:
        """Nothing is held open."""


def begin(folder: Path) -> Path:
    """A new file, named after its time so that a reader takes them in order, with the version that has restarts."""
    path = folder / f"events.out.tfevents.{time.time():017.6f}.ganvas"
    with open(path, "xb") as file:
        file.write(record(event(0, field(3, b"brain.Event:2"))))
    return path


def append(path: Path, data: bytes) -> None:
    with open(path, "ab") as file:  # opened anew for each record, so that a run that was deleted is not written on
        file.write(record(data))


# -- the messages of tensorflow/core/util/event.proto and framework/summary.proto ---------------------------------------


def event(step: int, content: bytes) -> bytes:
    return struct.pack("<Bd", 1 << 3 | 1, time.time()) + number(2, step) + content


def scalars(values: dict[str, float]) -> bytes:
    """A Summary with a Value for each: tag and simple_value."""
    each = (field(1, name.encode()) + struct.pack("<Bf", 2 << 3 | 5, value) for name, value in values.items())
    return field(5, b"".join(field(1, value) for value in each))


def picture(tag: str, png: bytes) -> bytes:
    """A Value with an Image: height and width as the PNG's own header has them, three channels."""
    width, height = struct.unpack(">II", png[16:24])
    image = number(1, height) + number(2, width) + number(3, 3) + field(4, png)
    return field(1, field(1, tag.encode()) + field(4, image))


def text_value(tag: str, text: str) -> bytes:
    """A Value for the text plugin: a string tensor of one entry."""
    tensor = number(1, 7) + field(2, field(2, number(1, 1))) + field(8, text.encode())
    metadata = field(1, field(1, b"text"))
    return field(1, field(1, tag.encode()) + field(8, tensor) + field(9, metadata))


def field(at: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return varint(at << 3 | 2) + varint(len(content)) + content


def number(at: int, value: int) -> bytes:
    return varint(at << 3) + varint(value)


def varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


# -- records -----------------------------------------------------------------------------------------------------------


def record(data: bytes) -> bytes:
    """Length, its checksum, data, its checksum: TFRecord."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked(length)) + data + struct.pack("<I", masked(data))


def masked(data: bytes) -> int:
    """CRC-32C, turned and shifted as TFRecord has it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def table_entry(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value


TABLE = [table_entry(value) for value in range(256)]
