"""A tab without a browser: a WebSocket that speaks Streamlit's protocol, obeys the timers of a page, and can click one switch."""

import asyncio
import contextlib
import random
import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

SWITCH, CLICK_SECONDS = "Log scale", 30.0
ENDINGS = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Tab:
    """One viewer of one run."""

    def __init__(self, url: str, run: str):
        self.url, self.run = url, run
        self.switch, self.its_fragment, self.is_on = "", "", False
        self.page = ""
        self.timers: dict[str, asyncio.Task] = {}
        self.intervals: dict[str, float] = {}  # seconds, of the timers as they were last set
        self.is_away = False  # neither its timers nor its user ask for anything
        self.began = False
        self.over = asyncio.Event()  # what was asked for last began after that, and ended
        self.clicks: list[float] = []
        self.opened = 0.0
        self.received = self.refreshes = 0

    async def ask(self, fragment: str = "", by_timer: bool = False) -> None:
        """Have the page, or one fragment of it, run again."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash, state.fragment_id = f"run={self.run}", self.page, fragment
        state.is_auto_rerun = by_timer
        if not self.page:
            state.page_name = "live"
        if self.switch:
            state.widget_states.widgets.add(id=self.switch, bool_value=self.is_on)
        await self.socket.send(message.SerializeToString())

    async def tick(self, fragment: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            if not self.is_away:
                self.refreshes += 1
                await self.ask(fragment, by_timer=True)

    def stop(self, fragments=None) -> None:
        for fragment in list(self.timers) if fragments is None else fragments:
            if timer := self.timers.pop(fragment, None):
                timer.cancel()

    async def listen(self) -> None:
        async for data in self.socket:
            self.received += len(data)
            message = ForwardMsg.FromString(data)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.began = True
                if not message.metadata.run.fragment_ids:
                    self.stop()
                    self.intervals.clear()
            elif kind == "navigation":
                self.page = message.navigation.page_script_hash
            elif kind == "auto_rerun":
                self.stop([message.auto_rerun.fragment_id])
                self.intervals[message.auto_rerun.fragment_id] = message.auto_rerun.interval
                self.timers[message.auto_rerun.fragment_id] = asyncio.create_task(
                    self.tick(message.auto_rerun.fragment_id, message.auto_rerun.interval)
                )
            elif kind == "stop_auto_rerun":
                self.stop(message.stop_auto_rerun.fragment_ids)
            elif kind == "delta" and message.delta.new_element.checkbox.label == SWITCH:
                self.switch = message.delta.new_element.checkbox.id
                self.its_fragment = message.delta.fragment_id
            elif kind == "script_finished" and message.script_finished in ENDINGS and self.began:
                self.over.set()

    async def click(self) -> float:
        self.over.clear()
        self.began = False
        started = time.perf_counter()
        self.is_on = not self.is_on
        await self.ask(self.its_fragment)  # as the browser does: what is in a fragment asks for that alone
        await asyncio.wait_for(self.over.wait(), 60)
        return time.perf_counter() - started

    async def open(self, stack: contextlib.AsyncExitStack) -> None:
        """Open the page and hear what comes, until the stack is left."""
        place = self.url.replace("http", "ws", 1) + "/_stcore/stream"
        self.socket = await stack.enter_async_context(connect(place, max_size=None, ping_interval=None))
        ear = asyncio.create_task(self.listen())
        stack.callback(ear.cancel)
        stack.callback(self.stop)
        started = time.perf_counter()
        await self.ask()
        await asyncio.wait_for(self.over.wait(), 60)
        self.opened = time.perf_counter() - started

    async def watch(self, until: float) -> None:
        """Open the page, click now and then, and stay to the end."""
        async with contextlib.AsyncExitStack() as stack:
            await self.open(stack)
            assert self.switch, "Live shows no switch"
            while (wait := CLICK_SECONDS * random.uniform(0.5, 1.5)) + time.monotonic() < until:
                await asyncio.sleep(wait)
                if not self.is_away:
                    self.clicks.append(await self.click())
            await asyncio.sleep(max(0.0, until - time.monotonic()))
