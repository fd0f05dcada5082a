"""Running the application on a socket, in this process or in several, until told to stop."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

from todo.entrypoints.process import END_STREAMS

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from types import FrameType


def serve(factory: str, listener: socket.socket, *, workers: int, announce: Callable[[], None]) -> int:
    """Serve what the factory (`module:function`) makes, and return the status to exit with.

    Told to stop, it takes no more requests, and what is under way has ten seconds. `announce` is called
    when the application is there, or its workers are about to be.
    """
    config = uvicorn.Config(
        factory,
        factory=True,
        http=_Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,  # ours says more, and costs less
        server_header=False,
        proxy_headers=False,  # TODO_TRUSTED_PROXIES says whom to believe
        backlog=4096,
        workers=workers,
        timeout_keep_alive=75,  # longer than the 60 seconds of common proxies: they are to hang up first
        timeout_graceful_shutdown=10,
    )
    if workers == 1:
        _Server(config, announce).run([listener])
        return 0
    # Whoever believes the announcement and connects at once waits for the workers, and is not refused.
    listener.listen(config.backlog)
    announce()
    supervisor = _Supervisor(config, sockets=[listener])
    supervisor.run()
    return int(any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes))


class _Protocol(HttpToolsProtocol):
    """Hears, as each connection does, that the server is to stop: then streams end, which never would by themselves."""

    def shutdown(self) -> None:
        self.app_state[END_STREAMS]()
        super().shutdown()


class _Server(uvicorn.Server):
    """Announces itself when it can be reached, and told to stop."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # Once is enough: impatience, as a second Ctrl-C, does not cut off requests under way.
        self.should_exit = True


class _Supervisor(Multiprocess):
    """Alone hears the terminal's Ctrl-C, and then tells its workers: one that is still starting would be torn apart."""

    def init_processes(self) -> None:
        with _interrupts_held():
            super().init_processes()

    def keep_subprocess_alive(self) -> None:
        with _interrupts_held():
            super().keep_subprocess_alive()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits; to the processes that are started meanwhile it never comes."""
    resource_tracker.ensure_running()  # else the first process starts it, and that lets Ctrl-C through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
