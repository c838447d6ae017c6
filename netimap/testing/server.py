"""RunningServer: a netimap server in this process, for as long as a test needs it."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import ssl
import tempfile
import threading
from collections.abc import Callable
from typing import Any

import gevent
from gevent import ssl as gevent_ssl
from gevent.event import Event

import netimap

from ..certificate import make_self_signed
from .client import TIMEOUT_S, Client

#: seconds that a server in a thread gets to start and to stop
THREAD_TIMEOUT_S = 15.0


@functools.cache
def server_certificate() -> tuple[str, str]:
    """The files of a certificate for localhost and 127.0.0.1, and its key: made once, removed when the process ends."""
    directory = tempfile.mkdtemp(prefix="netimap-testing-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    cert, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
    make_self_signed(cert, key)
    return cert, key


class RunningServer:
    """A server on free ports of 127.0.0.1, plain and TLS. A context manager; `start` and `stop` do the same.

    Options are those of `netimap.Server`. For tests the defaults are: free ports, a certificate made for the occasion,
    passwords without TLS, no delay after a failed login. `server_cert=None` is a server without TLS.

    The server runs in the greenlets of this thread; a client has to wait cooperatively (`Client` does). With
    `thread=True` it has a thread of its own, and clients may block.
    """

    def __init__(self, *, thread: bool = False, **options: Any) -> None:
        defaults: dict[str, Any] = {
            "port": 0,
            "ssl_port": 0,
            "host": "127.0.0.1",
            "allow_plaintext_login": True,
            "login_delay": 0,
        }
        if "server_cert" not in options:
            defaults["server_cert"], defaults["server_key"] = server_certificate()
        elif options["server_cert"] is None:
            options.setdefault("server_key", None)
            options.setdefault("ssl_port", None)
        self.options = defaults | options
        #: the netimap.Server
        self.server: Any = None
        #: the port for plain connections and STARTTLS, None if there is none
        self.port: int | None = None
        #: the port for TLS, None if there is none
        self.ssl_port: int | None = None
        self._in_thread = thread
        self._thread: threading.Thread | None = None
        self._stop_thread: Callable[[], Any] | None = None
        self._error: BaseException | None = None
        self._clients: list[Client] = []

    def start(self) -> RunningServer:
        """Start the server; returns self once it listens."""
        if not self._in_thread:
            self._start()
            return self
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,), name="netimap server", daemon=True)
        self._thread.start()
        if not ready.wait(THREAD_TIMEOUT_S):
            raise AssertionError("the server has not started in time")
        if self._error is not None:
            self._thread.join()
            raise self._error
        return self

    def _start(self) -> None:
        self.server = netimap.Server(**self.options)
        self.server.start()
        for _, port, is_tls in self.server.addresses():
            if is_tls:
                self.ssl_port = port
            else:
                self.port = port

    def _serve(self, ready: threading.Event) -> None:
        """The thread: a hub of its own, left when `stop` wakes it."""
        stopping = Event()
        hub = gevent.get_hub()
        # of all watchers only this one may be touched by another thread
        watcher = hub.loop.async_()
        watcher.start(stopping.set)
        self._stop_thread = watcher.send
        try:
            self._start()
        except BaseException as error:
            self._error = error
        finally:
            ready.set()
        if self._error is None:
            stopping.wait()
            self.server.stop()
        watcher.close()
        hub.destroy(destroy_loop=True)

    def stop(self) -> None:
        """Close the clients that `connect` made, and stop the server. Harmless the second time."""
        for client in self._clients:
            client.close()
        self._clients = []
        if self._thread is not None:
            if self._thread.is_alive() and self._stop_thread is not None:
                self._stop_thread()
            self._thread.join(THREAD_TIMEOUT_S)
            if self._thread.is_alive():
                raise AssertionError("the server has not stopped in time")
            self._thread = None
        elif not self._in_thread and self.server is not None:
            self.server.stop()
        self.server = None

    def __enter__(self) -> RunningServer:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def connect(
        self,
        user: str | None = None,
        password: str = "secret",
        *,
        tls: bool = False,
        timeout_s: float = TIMEOUT_S,
        piece: int | None = None,
    ) -> Client:
        """A new client, its greeting read; logged in when `user` is given. Closed by `stop` at the latest."""
        port = self.ssl_port if tls else self.port
        if port is None:
            raise ValueError("the server does not listen on such a port")
        host = self.options["host"]
        client = Client(host, port, tls, context=self.client_context(), timeout_s=timeout_s, piece=piece)
        self._clients.append(client)
        if user is not None:
            client.login(user, password)
        return client

    def client_context(self) -> Any:
        """A gevent SSLContext that trusts the server's certificate; None for a server without TLS."""
        cert = self.options.get("server_cert")
        if cert is None:
            return None
        # gevent.ssl.create_default_context would make the blocking kind of the standard library
        context = gevent_ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cert)
        return context
