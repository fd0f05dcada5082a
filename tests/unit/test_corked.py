"""What is written to a connection, on its way to the kernel."""

from __future__ import annotations

import asyncio

from todo.entrypoints.corked import CorkedTransport


class Wire(asyncio.Transport):
    """Notes what the kernel would be asked to do."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1)})
        self.done: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append(bytes(data))

    def close(self) -> None:
        self.done.append("close")

    def is_closing(self) -> bool:
        return "close" in self.done


def corked() -> tuple[CorkedTransport, Wire]:
    wire = Wire()
    return CorkedTransport(wire, asyncio.get_running_loop()), wire


async def test_what_is_written_in_one_go_leaves_in_one_write_and_in_order() -> None:
    transport, wire = corked()
    transport.write(b"head, ")
    transport.write(b"body")
    assert wire.done == []
    await asyncio.sleep(0)
    assert wire.done == [b"head, body"]
    transport.write(b"more")
    await asyncio.sleep(0)
    assert wire.done == [b"head, body", b"more"]


async def test_closing_loses_nothing_and_nothing_is_written_behind_it() -> None:
    transport, wire = corked()
    transport.write(b"answer")
    transport.close()
    transport.write(b"too late")
    await asyncio.sleep(0)
    assert wire.done == [b"answer", "close"]


async def test_for_all_else_it_is_the_transport() -> None:
    transport, wire = corked()
    assert transport.get_extra_info("peername") == ("192.0.2.1", 1)
    assert not transport.is_closing()
    wire.close()
    assert transport.is_closing()
