"""Attacks on the network: every family, loopback, sockets of this machine. Standard library only."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from functools import partial

from runtime.tools.sandbox.attacks.common import Attack, Facts, managed, read

SECONDS = 2.0
NOWHERE = "192.0.2.1"  # an address for documentation: nobody answers, but packets would leave


def loopback(facts: Facts) -> Iterator[str]:
    """The product itself and whatever else listens on this machine."""
    for host in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "localhost", "0.0.0.0"):  # noqa: S104
        yield from managed(f"connect to {host}", partial(_connect, host, facts.port))


def internet(_: Facts) -> Iterator[str]:
    """Somebody outside, and the names of the internet."""
    yield from managed("send a datagram out", partial(_send, NOWHERE, 53))
    yield from managed("look up a name", partial(socket.getaddrinfo, "example.org", 443))
    for line in read("/proc/net/dev").decode().splitlines()[2:]:
        name = line.split(":")[0].strip()
        if name not in ("lo", "tunl0", "sit0", "ip6tnl0"):  # what every network has, out of use
            yield f"see the interface {name}"


def sockets(_: Facts) -> Iterator[str]:
    """A socket of any family at all."""
    families = {
        "inet": 2,
        "inet6": 10,
        "unix": 1,
        "netlink": 16,
        "packet": 17,
        "vsock": 40,
        "alg": 38,
        "bluetooth": 31,
    }
    for name, family in families.items():
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
            yield from managed(f"make a socket of {name}, kind {kind}", partial(_make, family, kind))
    for name, family in families.items():
        if name != "unix":
            yield from managed(f"make a pair of {name}", partial(_pair, family))


def unix_sockets(facts: Facts) -> Iterator[str]:
    """A service of this machine that listens at a path, even one that lies in the working folder."""
    for path in (facts.socket, "/run/docker.sock", "/var/run/docker.sock", "/run/dbus/system_bus_socket"):
        yield from managed(f"connect to {path}", partial(_connect_unix, path))
    with socket.socketpair()[0] as one:
        yield from managed("connect from one of a pair", partial(one.connect, facts.socket))


def abstract_sockets(facts: Facts) -> Iterator[str]:
    """One that listens at a name without a path."""
    yield from managed("connect to an abstract socket", partial(_connect_unix, "\0" + facts.abstract))


def _connect(host: str, port: int) -> None:
    socket.create_connection((host, port), SECONDS).close()


def _send(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"harness", (host, port))


def _connect_unix(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as out:
        out.settimeout(SECONDS)
        out.connect(path if path.startswith(("/", "\0")) else os.path.join(os.getcwd(), path))


def _make(family: int, kind: int) -> None:
    socket.socket(family, kind).close()


def _pair(family: int) -> None:
    for one in socket.socketpair(socket.AddressFamily(family)):
        one.close()


ATTACKS: dict[str, Attack] = {
    "loopback": loopback,
    "internet": internet,
    "sockets": sockets,
    "unix_sockets": unix_sockets,
    "abstract_sockets": abstract_sockets,
}
