"""Taking an address to listen on."""

from __future__ import annotations

import errno
import socket

import pytest

from harness_site import listening
from harness_site.listening import AddressError, listen_on, url_for, url_of


def test_it_takes_a_free_port_and_says_where() -> None:
    with listen_on("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert url_of(listener) == f"http://127.0.0.1:{port}"
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass  # a client may wait there before the server runs


def test_it_names_loopback_when_it_listens_everywhere() -> None:
    with listen_on("0.0.0.0", 0) as listener:
        assert url_of(listener).startswith("http://127.0.0.1:")


def test_it_writes_ipv6_addresses_in_brackets() -> None:
    assert url_for("::1", 8000) == "http://[::1]:8000"
    assert url_for("::", 8000) == "http://[::1]:8000"


def test_it_says_that_a_port_is_in_use() -> None:
    with listen_on("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(AddressError, match=rf"^Port {port} on 127.0.0.1 is in use by another program;"):
            listen_on("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "sentence"),
    [
        ("no such host", 0, "--host is 'no such host', which is not an address"),
        ("192.0.2.1", 0, "--host is '192.0.2.1', which is not an address of this machine"),
        ("127.0.0.1", 70_000, "--port is 70000; it must be from 0 to 65535"),
        ("127.0.0.1", -1, "--port is -1; it must be from 0 to 65535"),
    ],
)
def test_it_refuses_what_cannot_be(host: str, port: int, sentence: str) -> None:
    with pytest.raises(AddressError) as refused:
        listen_on(host, port)
    assert str(refused.value).startswith(sentence)


def test_a_client_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "UNREAD_SECONDS", 1)
    with listen_on("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        server, _ = listener.accept()
        server.settimeout(60)
        with server, pytest.raises(TimeoutError) as cut_off:
            server.sendall(b"x" * 100_000_000)
    assert cut_off.value.errno == errno.ETIMEDOUT  # not our own patience
