"""The address that the server listens on, or one sentence that says why it cannot. Standard library only."""

from __future__ import annotations

import errno
import socket

BACKLOG = 2048
#: A client that reads nothing of its answer for so long is cut off, or it would keep connection and file for
#: ever. It holds for each accepted connection, too.
UNREAD_SECONDS = 60


class AddressError(Exception):
    """Its text is one sentence for the person at the terminal."""


def listen_on(host: str, port: int) -> socket.socket:
    """A socket that listens on the address, so that clients wait for the server; raises AddressError."""
    if not 0 <= port <= 65535:
        raise AddressError(f"--port is {port}; it must be from 0 to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise AddressError(f"--host is {host!r}, which is not an address of this machine.") from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)
        listener.bind(address)
        listener.listen(BACKLOG)  # at once: until then, another program could still take the address
    except OSError as error:
        listener.close()
        raise AddressError(_sentence(error, host, port)) from None
    return listener


def url_of(listener: socket.socket) -> str:
    """`http://HOST:PORT` under which this machine reaches the socket; loopback for "every address"."""
    host, port = listener.getsockname()[:2]
    return url_for(host, port)


def url_for(host: str, port: int) -> str:
    """`http://HOST:PORT`, with brackets around IPv6."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (translated, not bound)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _sentence(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use by another program; choose another one with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this user has; choose one above 1023 with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--host is {host!r}, which is not an address of this machine."
    return f"Cannot listen on {host}:{port}: {error.strerror}."
