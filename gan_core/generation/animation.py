"""Animations as WebP, GIF or MP4. Frames are drawn one by one, so memory does not grow with their number."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, ImageDraw, ImageFont

from gan_core.errors import Stopped, UserError
from gan_core.storage.workspace import atomic_write

FORMATS = {"webp": "WebP", "gif": "GIF", "mp4": "MP4"}
MOST_FRAMES = 300
LONGEST_SIDE = {"webp": 720, "gif": 480, "mp4": 720}  # px; GIF hardly compresses between frames
FRAME_MS, LAST_MS = 150, 1500
CAPTION_PX = 22

Progress = Callable[[float, str], None]
Frames = Callable[[int], Image.Image]  # number -> an RGB picture, all of one size


def can_write(format: str) -> bool:
    """Whether this computer can write the format: MP4 needs PyAV, an optional package."""
    return format != "mp4" or importlib.util.find_spec("av") is not None


def check_format(format: str) -> None:
    """Raise UserError bad_format or no_av."""
    if format not in FORMATS:
        raise UserError("bad_format", f"There is no format {format!r}.", f"Choose one of {', '.join(FORMATS)}.")
    if not can_write(format):
        raise UserError(
            "no_av",
            "MP4 needs the package PyAV, which is not installed here.",
            "Install it with: pip install av. WebP and GIF work without it.",
        )


def choose(count: int, most: int = MOST_FRAMES) -> list[int]:
    """At most `most` of the numbers 0 to count - 1, in order and evenly spaced, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(step * (count - 1) / (most - 1)) for step in range(most)]


class LazyFrames(Image.Image):
    """An image of several frames for Pillow's writers. Each frame is drawn when it is needed and not kept."""

    def __init__(self, draw: Frames, count: int) -> None:
        super().__init__()
        self.draw, self.n_frames, self.is_animated, self.at = draw, count, count > 1, -1
        self.seek(0)

    def seek(self, frame: int) -> None:
        if not 0 <= frame < self.n_frames:
            raise EOFError("no such frame")
        if frame != self.at:
            picture = self.draw(frame)
            self._size, self._mode, self.im, self.at = picture.size, picture.mode, picture.im, frame
            self.palette = picture.palette

    def tell(self) -> int:
        return self.at


def write(
    path: Path,
    format: str,
    draw: Frames,
    count: int,
    on_progress: Progress = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    frame_ms: int = FRAME_MS,
    last_ms: int = LAST_MS,
) -> None:
    """Write frames 0 to count - 1; the file is whole or absent, the last frame shown longer. Raises UserError and Stopped."""
    check_format(format)

    def watched(number: int) -> Image.Image:
        if should_stop():
            raise Stopped
        on_progress(number / count, f"Frame {number + 1} of {count}")
        return draw(number).convert("RGB")

    if format == "mp4":
        atomic_write(path, lambda file: write_mp4(file, watched, count, frame_ms, last_ms))
        return

    def reduced(number: int) -> Image.Image:
        return watched(number).quantize(256, Image.Quantize.FASTOCTREE)  # the default method takes twenty times as long

    durations = [frame_ms] * (count - 1) + [last_ms]
    how: dict[str, Any] = {"quality": 80} if format == "webp" else {"optimize": False}
    frames = LazyFrames(reduced if format == "gif" else watched, count)
    atomic_write(path, lambda file: frames.save(file, format.upper(), save_all=True, duration=durations, loop=0, **how))


def write_mp4(file: BinaryIO, draw: Frames, count: int, frame_ms: int, last_ms: int) -> None:
    """H.264, for browsers and slides. Its sides must be even, so an odd last row or column is cut off."""
    import av

    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=round(1000 / frame_ms), options={"crf": "20"})
        first = draw(0)
        stream.width, stream.height, stream.pix_fmt = first.width // 2 * 2, first.height // 2 * 2, "yuv420p"
        for number in [*range(count), *[count - 1] * (last_ms // frame_ms)]:
            picture = draw(number).crop((0, 0, stream.width, stream.height))
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())


def timelapse(
    grids: list[tuple[Path, str]],
    path: Path,
    on_progress: Progress = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    format: str = "webp",
    most_frames: int = MOST_FRAMES,
) -> int:
    """(grid file, caption) in order -> an animation with the captions below; returns its number of frames. Raises Stopped."""
    picked = [grids[at] for at in choose(len(grids), most_frames)]
    sizes = list(sizes_of(picked))
    box = max(width for width, _ in sizes), max(height for _, height in sizes)
    scale = min(1.0, LONGEST_SIDE[format] / max(box))
    canvas = max(1, round(box[0] * scale)), max(1, round(box[1] * scale)) + CAPTION_PX

    def draw(number: int) -> Image.Image:
        file, caption = picked[number]
        frame = Image.new("RGB", canvas, "white")
        with Image.open(file) as image:
            image.thumbnail((canvas[0], canvas[1] - CAPTION_PX))
            frame.paste(image)
        ImageDraw.Draw(frame).text(
            (6, frame.height - CAPTION_PX / 2), caption, fill="black", font=ImageFont.load_default(14), anchor="lm"
        )
        return frame

    write(path, format, draw, len(picked), on_progress, should_stop)
    return len(picked)


def sizes_of(grids: list[tuple[Path, str]]) -> Iterator[tuple[int, int]]:
    for file, _ in grids:
        with Image.open(file) as image:
            yield image.size
