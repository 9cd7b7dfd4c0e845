"""A TCP port in front of another that counts: no client can speak over a connection that it does not see.

    relay = CountingRelay()         # relay.port is there, so that a page can name it
    relay.target = dmpm.port
    ...
    relay.finished()                # connections since the last call, all of them closed by now

It passes bytes and knows nothing of TLS or HTTP: one connection here is one connection there. Counted
are those on which the client said something: where it did not even begin TLS, there was none.
"""
import asyncio
import threading

import harness


class CountingRelay:
    def __init__(self):
        self.target = None
        self._spoken = 0
        self._open = set()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=128))
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def finished(self):
        """The number of connections, when the last has ended on both sides."""
        return asyncio.run_coroutine_threadsafe(self._finished(), self._loop).result(harness.DEADLINE)

    def close(self):
        """The connections that are left end with it."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(harness.DEADLINE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _finished(self):
        await asyncio.sleep(0.01)  # a round of the loop accepts those that wait
        while self._open:
            await asyncio.wait(self._open)
        count, self._spoken = self._spoken, 0
        return count

    async def _end(self):
        self._server.close()
        for task in self._open:
            task.cancel()
        if self._open:
            await asyncio.wait(self._open)

    async def _accept(self, reader, writer):
        task = asyncio.current_task()
        self._open.add(task)
        ends = [writer]
        try:
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self.target)
            ends.append(other_writer)
            await asyncio.gather(self._copy(reader, other_writer, from_client=True),
                                 self._copy(other_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass  # one end has gone: the other learns it below
        finally:
            for end in ends:
                end.close()
            self._open.discard(task)

    async def _copy(self, reader, writer, from_client=False):
        first = from_client
        while data := await reader.read(65536):
            self._spoken += first
            first = False
            writer.write(data)
            await writer.drain()
        writer.write_eof()
