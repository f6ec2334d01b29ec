"""A proxy on the Redis socket that hands everything on, or delays, cuts, tears or swallows it."""

import asyncio
import os
import threading

MODES = ("pass", "delay", "cut", "tear", "swallow")


class RedisProxy:
    """Serves `front` and speaks to `back`, in a thread of its own. Set `mode` at any time:

    pass     as if it were not there
    delay    each piece waits `delay_seconds`, in both directions
    cut      every connection is reset, new ones as well
    tear     half of the next reply, then the connection ends
    swallow  connections stand and nothing comes through; what was swallowed is delivered when the mode changes
    """

    def __init__(self, front, back, delay_seconds=0.02):
        self.front, self.back, self.mode, self.delay_seconds = front, back, "pass", delay_seconds
        self.loop, self.writers, self.fronts, self.pieces = asyncio.new_event_loop(), set(), set(), 0
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), name="redis-proxy", daemon=True)
        self.thread.start()
        if not started.wait(10):
            raise RuntimeError("the proxy did not start")

    def set(self, mode):
        assert mode in MODES
        self.mode = mode
        if mode == "cut":
            self.loop.call_soon_threadsafe(self._cut)

    def lead(self, back, share, random):
        """New connections go to `back`; a share of those that there are, chosen at random, is reset and made anew."""
        self.back = back
        self.loop.call_soon_threadsafe(self._reset_some, share, random)

    def _reset_some(self, share, random):
        for writer in list(self.fronts):
            if random.random() < share:
                writer.transport.abort()

    def stop(self):
        self.loop.call_soon_threadsafe(self._cut)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def _run(self, started):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_unix_server(self._serve, self.front))
        os.chmod(self.front, 0o700)
        started.set()
        self.loop.run_forever()
        server.close()

    def _cut(self):
        for writer in list(self.writers):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        if self.mode == "cut":
            writer.transport.abort()
            return
        try:
            back_reader, back_writer = await asyncio.open_unix_connection(self.back)
        except OSError:
            writer.transport.abort()
            return
        self.writers |= {writer, back_writer}
        self.fronts.add(writer)
        await asyncio.gather(self._pipe(reader, back_writer, False), self._pipe(back_reader, writer, True))
        self.writers -= {writer, back_writer}
        self.fronts.discard(writer)

    async def _pipe(self, reader, writer, is_reply):
        try:
            while data := await reader.read(65536):
                self.pieces += 1
                if self.mode == "delay":
                    await asyncio.sleep(self.delay_seconds)
                while self.mode == "swallow":
                    await asyncio.sleep(0.01)
                if self.mode == "tear" and is_reply:
                    data = data[: len(data) // 2]
                    writer.write(data)
                    break
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
