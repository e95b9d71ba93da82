"""The child's side of decoder_pool.py: reads a line of jobs from stdin, writes the pixels straight into the pixel file, and
answers with a line on stdout.

It ends when its stdin closes, that is, when its parent dies. Its own alarm kills it at a file that takes too long, and shared
memory says which file that was. Several start with every import, so it imports little: no numpy, unless an image needs it.
"""

import errno
import hashlib
import json
import mmap
import os
import resource
import signal
import struct
import sys
import warnings
from typing import Any

from PIL import Image

from gan_core.data import png_reader
from gan_core.data.decode import Picture, decode, fitted
from gan_core.data.file_types import NotReadable
from gan_core.data.zip_reader import Damaged, read_member

MARK = struct.Struct("<q")
MARK_BYTES = MARK.size
SMALL_BYTES, SMALL_PIXELS = 16 << 10, 64 * 64  # of plain PNGs that are read together

FAILED = (NotReadable, Damaged, OSError, MemoryError)
Answer = tuple[Any, ...]  # the fields of decoder_pool.DecodedFile


class Decoder:
    """Answers jobs. setup: see decoder_pool.decode_all. mark: memory in which the parent sees the position this is at."""

    def __init__(self, setup: dict[str, Any], mark: mmap.mmap):
        self.settings = setup["size"], setup["fit"], tuple(setup["background"])
        self.picture_bytes, self.timeout_seconds, self.mark = 3 * setup["size"] ** 2, setup["timeout_seconds"], mark
        self.pixels = os.open(setup["pixels"], os.O_WRONLY)
        self.archive = os.open(setup["zip"], os.O_RDONLY) if setup["zip"] else None

    def answers(self, jobs: list[list[Any]]) -> list[Answer]:
        """(position, where its bytes are) of each job -> an answer for each; the small plain PNGs among them come last."""
        found, small = [], []
        for position, *source in jobs:
            self.is_at(position)
            try:
                data = self.bytes_of(source)
                plain = png_reader.find(data, SMALL_PIXELS) if len(data) <= SMALL_BYTES else None
                if plain is None:
                    found.append(self.store(position, data, decode(data, *self.settings)))
                else:
                    small.append((position, data, plain))
            except FAILED as error:
                found.append(refusal(position, error))
        try:
            images = png_reader.read_together([plain for _, _, plain in small])
        except MemoryError:
            images = [None] * len(small)
        for (position, data, _), image in zip(small, images, strict=True):
            self.is_at(position)
            try:
                picture = decode(data, *self.settings) if image is None else fitted(image, *self.settings)
                found.append(self.store(position, data, picture))
            except FAILED as error:
                found.append(refusal(position, error))
        signal.setitimer(signal.ITIMER_REAL, 0)
        return found

    def is_at(self, position: int) -> None:
        """From now on, whatever happens is put down to this position."""
        self.mark[:] = MARK.pack(position)
        signal.setitimer(signal.ITIMER_REAL, self.timeout_seconds)

    def bytes_of(self, source: list[Any]) -> bytes:
        if self.archive is not None:
            return read_member(self.archive, *source)
        with open(source[0], "rb") as file:
            return file.read()

    def store(self, position: int, data: bytes, picture: Picture) -> Answer:
        """The answer, the pixels written; channels -errno where they could not be."""
        try:
            os.pwrite(self.pixels, picture.image.tobytes(), position * self.picture_bytes)
        except OSError as error:
            return position, -(error.errno or errno.EIO), 0, 0, "", "", error.strerror
        sha256 = hashlib.sha256(data).hexdigest()
        channels = 1 if picture.image.mode == "L" else 3
        return position, channels, picture.width, picture.height, picture.mode, sha256, "", False, picture.animated


def refusal(position: int, error: Exception) -> Answer:
    """The answer for a file that gives no image."""
    words = str(error)
    if isinstance(error, OSError):
        words = "the file could not be read"
    elif isinstance(error, MemoryError):
        words = "it needs too much memory to read"
    return position, 0, 0, 0, "", "", words, isinstance(error, Damaged)


def main() -> None:
    """Set the limits, then answer line after line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is for the parent
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the default kills, also inside C code
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.preinit()
    setup = json.loads(sys.stdin.buffer.readline())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (setup["memory_bytes"],) * 2)
    decoder = Decoder(setup, mmap.mmap(int(sys.argv[1]), MARK_BYTES))
    os.write(1, b"ready\n")
    for line in sys.stdin.buffer:
        os.write(1, json.dumps(decoder.answers(json.loads(line))).encode() + b"\n")


if __name__ == "__main__":
    main()
