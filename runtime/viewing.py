"""Who watches a live stream, and whether they may go on: by the way they came in, not by their name alone.

A viewer is `person:ID:SESSION:PROOF` or `service:ID:PROOF`. A person goes on watching while the session is
there that opened the stream, and the password is what it was; a program while its token is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from runtime import access
from runtime.models import ServiceAccount

PROOF = 16  #: characters of a hash: to see that it has changed, not to keep a secret by
PART = 500  #: as many as one query takes as parameters


def viewer(request: HttpRequest, actor: access.Actor) -> str:
    """How the caller is called as a viewer of streams."""
    if actor.kind == "service":
        return f"service:{actor.id}:{actor.proof[:PROOF]}"
    user: Any = request.user
    return f"person:{actor.id}:{request.session.session_key}:{user.get_session_auth_hash()[:PROOF]}"


def name_of(viewer: str) -> str:
    """Whose stream it is, whichever way they came in: `person:ID` or `service:ID`."""
    return ":".join(viewer.split(":", 2)[:2])


def may_still_view(viewers: Iterable[str]) -> set[str]:
    """Whose open streams may go on: people who are active, have a role and are still signed in as they were,
    and service accounts whose token is live and still the same."""
    asked = {each: each.split(":") for each in viewers}
    people = {int(parts[1]) for parts in asked.values() if parts[0] == "person"}
    programs = {int(parts[1]) for parts in asked.values() if parts[0] == "service"}
    try:
        proofs = {
            **{f"person:{key}": proof for key, proof in _each(people, _people)},
            **{f"service:{key}": proof for key, proof in _each(programs, _services)},
        }
        live = {each for each, parts in asked.items() if proofs.get(name_of(each)) == parts[-1]}
        sessions = set(_each({asked[each][2] for each in live if len(asked[each]) == 4}, _sessions))
        return {each for each in live if len(asked[each]) == 3 or asked[each][2] in sessions}
    finally:
        connection.close()  # called from a stream, outside any request


def _each(keys: Collection[Any], find: Callable[[Sequence[Any]], Iterable[Any]]) -> Iterator[Any]:
    """What is found for all of them, in queries of a bearable length."""
    rest = list(keys)
    for begin in range(0, len(rest), PART):
        yield from find(rest[begin : begin + PART])


def _people(keys: Sequence[int]) -> Iterator[tuple[int, str]]:
    some_role = Q(is_superuser=True) | Q(groups__name__in=access.ROLES)  # every role may look
    found = User.objects.filter(some_role, pk__in=keys, is_active=True).only("pk", "password").distinct()
    return ((user.pk, user.get_session_auth_hash()[:PROOF]) for user in found)


def _services(keys: Sequence[int]) -> Iterator[tuple[int, str]]:
    live = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    for account in ServiceAccount.objects.filter(live, pk__in=keys, revoked_at__isnull=True):
        actor = access.service(account, "")
        if actor.may("viewer"):
            yield account.pk, actor.proof[:PROOF]


def _sessions(keys: Sequence[str]) -> Iterable[str]:
    live = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    return live.values_list("session_key", flat=True)
