"""What streams cost, on a database of your own: `python examples/measure_streams.py DATABASE_URL`, from a checkout.

Prints the memory of a waiting stream, how long one write takes to reach all streams of its owner, in the
same process and in another one, and what announcing adds to a write. The readers share the process: what it
says of time is an upper bound.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.containers import postgres_container
from tests.streams import Client, Server, Stream, serving
from todo.adapters.postgres.migrate import migrate
from todo.adapters.postgres.signals import Signals
from todo.domain.values import UserId

STREAMS = 1000


def resident() -> float:
    """MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def raw_stream(person: Client, url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream that costs the reader as little as possible."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /api/tasks/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {person.token}\r\n\r\n".encode())
    await reader.readuntil(b": ping\n\n")
    return reader, writer


async def spread(person: Client, streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> float:
    """Milliseconds from the beginning of a write until all have read of it."""
    begun = time.perf_counter()
    await asyncio.gather(person.add(), *(reader.readuntil(b"event: task") for reader, _ in streams))
    return (time.perf_counter() - begun) * 1000


async def latency(person: Client, stream: Stream) -> float:
    """Median milliseconds from the answer to a write until the event is there (negative: before the answer)."""
    times = []
    for _ in range(50):
        heard = asyncio.create_task(stream.changes(1))
        await person.add()
        answered = time.perf_counter()
        await heard
        times.append((time.perf_counter() - answered) * 1000)
        await asyncio.sleep(0.1)
    return statistics.median(times)


async def announcing(server: Server) -> float:
    """Microseconds that one announcement takes, with a watch to wake."""
    signals = Signals(server.container.database())
    owner, count = UserId("nobody"), 100_000
    begun = time.perf_counter()
    for _ in range(count):
        signals.announce(owner)
    return (time.perf_counter() - begun) / count * 1e6


async def main() -> None:
    url = sys.argv[1]
    await migrate(url)
    async with serving(postgres_container(url)) as server, serving(postgres_container(url)) as other:
        person = await server.sign_up()
        async with person.stream() as here, person.at(other.url).stream() as there:
            print(f"event after the answer: here {await latency(person, here):.1f} ms")  # noqa: T201
            await there.changes(50)
            print(f"event after the answer: another process {await latency(person, there):.1f} ms")  # noqa: T201
        print(f"announcing: {await announcing(server):.2f} µs")  # noqa: T201
        before = resident()
        streams = [await raw_stream(person, server.url) for _ in range(STREAMS)]
        print(f"{STREAMS} streams: {(resident() - before) / STREAMS * 1024:.0f} KiB each, reader included")  # noqa: T201
        print("one write to all of them:", [f"{await spread(person, streams):.0f} ms" for _ in range(5)])  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
