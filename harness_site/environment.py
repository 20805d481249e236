"""Settings from the environment, checked where they are read: a wrong value is refused with one sentence."""

from __future__ import annotations

import os
import re
from ipaddress import ip_network
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


def env_text(name: str, default: str = "") -> str:
    """The variable's value without surrounding blanks; an empty one counts as not set."""
    return os.environ.get(name, "").strip() or default


def env_list(name: str) -> list[str]:
    """A comma-separated list; empty when not set."""
    return [part.strip() for part in env_text(name).split(",") if part.strip()]


def env_switch(name: str, default: bool = False) -> bool:
    """`1`, `true`, `yes`, `on` or their opposites, in any case."""
    text = env_text(name).lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    if text:
        raise ImproperlyConfigured(f"{name} is {text!r}; say true or false.")
    return default


def env_seconds(name: str, default: float, least: float) -> float:
    """A number of seconds, not below `least`."""
    text = env_text(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= 86_400:
        raise ImproperlyConfigured(
            f"{name} is {text!r}; it must be a number of seconds from {least:g} to 86400."
        )
    return value


HOST = r"[\w-]+(\.[\w-]+)*|\[[0-9a-fA-F:.]+\]"


def env_base_url(name: str, default: str) -> str:
    """`http://HOST`, `https://HOST:PORT`, without a slash at its end."""
    url = env_text(name, default).rstrip("/")
    if not _is_base_url(url):
        raise ImproperlyConfigured(
            f"{name} is {url!r}; it must be like https://harness.example.org or http://10.0.0.7:8000, "
            "without a path."
        )
    return url


def _is_base_url(url: str) -> bool:
    try:
        fits = urlsplit(url).port != 0  # the port is checked by being read
    except ValueError:
        return False
    return fits and bool(re.fullmatch(rf"https?://(?:{HOST})(:\d+)?", url, re.IGNORECASE | re.ASCII))


def env_hosts(name: str) -> list[str]:
    """Host names as a browser sends them, without a scheme or a port; `.example.org` with all below it."""
    found = env_list(name)
    for host in found:
        if not re.fullmatch(rf"\*|\.?(?:{HOST})", host):
            raise ImproperlyConfigured(f"{name} has {host!r}; say a host's name alone, such as example.org.")
    return found


def env_addresses(name: str) -> list[str]:
    """Addresses or networks."""
    found = env_list(name)
    for address in found:
        try:
            ip_network(address, strict=False)
        except ValueError:
            raise ImproperlyConfigured(
                f"{name} has {address!r}; it must be an address such as 10.0.0.2, or 10.0.0.0/8."
            ) from None
    return found
