"""Who may do what: actors and their roles, API tokens, one-time sign-in links.

Roles are Django groups for people and a list on service accounts. Of a token or link only the SHA-256 is
stored: both carry 256 random bits, so a slow password hash would add nothing.
"""

from __future__ import annotations

import getpass
import hashlib
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, User
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from runtime.models import ServiceAccount, SignInLink, TokenAct
from runtime.models.patience import waiting_at_most
from runtime.models.people import ROLES
from runtime.models.rows import one, select

__all__ = [
    "ROLES",
    "SYSTEM",
    "AccessError",
    "Actor",
    "Denied",
    "LinksEnd",
    "administrators",
    "command",
    "denied",
    "deny",
    "find_sign_in_link",
    "find_token",
    "first_administrator",
    "make_sign_in_link",
    "make_token",
    "person",
    "redeem_sign_in_link",
    "revoke_token",
    "service",
    "sign_in_url",
]

logger = logging.getLogger("runtime.access")

TOKEN_PREFIX = "hrn_"  # noqa: S105  (what a token begins with, so that scanners recognise a leaked one)
TOKEN_SHAPE = re.compile(r"hrn_[A-Za-z0-9_-]{43}", re.ASCII)
LINK_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
NAME_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}", re.ASCII)
SHOWN = len(TOKEN_PREFIX) + 6  #: characters of a token that are kept to recognise it
LAST_USED_EVERY = timedelta(minutes=1)
NOTE_SECONDS = 0.05  #: a reader does not stand in line behind writers for that
SIGN_IN_LINK_LIFE = timedelta(hours=1)

#: Roles that a role includes beside itself.
INCLUDED = {"operator": {"viewer"}, "reviewer": {"viewer"}, "administrator": set(ROLES)}


class AccessError(ValueError):
    """A name, role or lifetime that cannot be; `str()` is one sentence."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone who acts: a person, a service account or the system; written into every record of the act."""

    kind: Literal["person", "service", "system"]
    name: str
    roles: frozenset[str]
    id: int | None = None
    source: Literal["page", "api", "command", "system"] = "page"
    address: str = ""
    proof: str = field(default="", repr=False)  #: of a service account: the hash of its token

    def may(self, role: str) -> bool:
        """Whether one of the roles is or includes `role`."""
        return any(role == own or role in INCLUDED.get(own, ()) for own in self.roles)


@dataclass(frozen=True, slots=True)
class Denied:
    """Why a request is refused because of who asks; without `kind` it is whoever is signed in, or nobody,
    who may have tried a name."""

    reason: str
    kind: str = ""
    name: str = ""


def deny(request: object, reason: str, by: Actor | None = None, *, tried: str = "") -> None:
    """Says that the answer being made is a denial, so that it is noted if something was to be changed.
    `tried`: the person's name by which somebody, nobody knows who, wanted to come in."""
    found = Denied(reason, by.kind, by.name) if by else Denied(reason, name=tried)
    request.denied = found  # type: ignore[attr-defined]


def denied(request: object) -> Denied | None:
    """What was said about this request."""
    found: Denied | None = getattr(request, "denied", None)
    return found


SYSTEM = Actor("system", "system", frozenset({"administrator"}), source="system")


def person(
    user: AbstractBaseUser | AnonymousUser, source: Literal["page", "api", "command"], address: str
) -> Actor:
    """The actor of a signed-in person: roles from the groups; a superuser is an administrator.

    Someone who is not signed in, or disabled, has no role. One query (none for a superuser).
    """
    if not isinstance(user, User) or not user.is_active:
        return Actor("person", user.get_username(), frozenset(), source=source, address=address)
    if user.is_superuser:
        roles = {"administrator"}
    else:
        roles = set(user.groups.filter(name__in=ROLES).values_list("name", flat=True))
    return Actor("person", user.get_username(), frozenset(roles), user.pk, source, address)


def service(account: ServiceAccount, address: str) -> Actor:
    """The actor of a service account (from `find_token`), by API."""
    # A record says who did it: a program must not pass for the person of the same name.
    a_person = select("SELECT 1 FROM auth_user WHERE username = %s", [account.name])
    name = f"{account.name} (token)" if a_person else account.name
    roles = frozenset(role for role in account.roles if role in ROLES)
    return Actor("service", name, roles, account.pk, "api", address, account.token_hash)


def command() -> Actor:
    """The actor of a command at the terminal: whoever may read the data directory may do everything."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        name = "command"
    return Actor("system", name, frozenset({"administrator"}), source="command")


def make_token(
    name: str,
    roles: Sequence[str] | None = None,
    *,
    expires_at: datetime | None = None,
    by: Actor | None = None,
) -> str:
    """Makes or replaces the token of the service account `name`; the only moment when the token is seen. Who
    did it is kept (`by`: without one whoever runs this command).

    `roles=None` keeps the roles of an account that exists; a new one becomes a viewer. The token that the
    account had before is refused from now on. Raises AccessError.
    """
    if not NAME_SHAPE.fullmatch(name):
        raise AccessError(
            f"The name {name!r} will not do: it has 1 to 64 letters, digits or . _ @ + - "
            "and begins with a letter or digit."
        )
    for role in roles or ():
        if role not in ROLES:
            raise AccessError(f"There is no role {role!r}; choose from {', '.join(ROLES)}.")
    if expires_at is not None and expires_at <= timezone.now():
        raise AccessError("The token would be expired already.")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    values: dict[str, Any] = {
        "token_prefix": token[:SHOWN],
        "token_hash": _hash(token),
        "expires_at": expires_at,
        "revoked_at": None,
        "last_used_at": None,
    }
    if roles:
        values["roles"] = [role for role in ROLES if role in roles]
    with transaction.atomic():
        before = ServiceAccount.objects.select_for_update().filter(name=name).first()
        account, made = ServiceAccount.objects.update_or_create(
            name=name, defaults=values, create_defaults={"roles": ["viewer"], **values}
        )
        act = TokenAct.MADE if made else TokenAct.REPLACED
        known = before.roles if before else ()
        TokenAct.objects.create(**TokenAct.facts(account, act, known, by or command()))
    return token


def revoke_token(name: str, *, by: Actor | None = None) -> bool:
    """Refuses the account's token from now on; False when there is no live one. `by`: as in `make_token`."""
    with transaction.atomic():
        account = ServiceAccount.objects.select_for_update().filter(name=name, revoked_at=None).first()
        if account is None:
            return False
        ServiceAccount.objects.filter(pk=account.pk).update(revoked_at=timezone.now())
        revoked = TokenAct.facts(account, TokenAct.REVOKED, account.roles, by or command())
        TokenAct.objects.create(**revoked)
    return True


def find_token(token: str) -> ServiceAccount | None:
    """The account of a live token; None for any other text. Notes the use, at most once a minute."""
    if not TOKEN_SHAPE.fullmatch(token):
        return None
    now = timezone.now()
    account = one(ServiceAccount, "token_hash = %s AND revoked_at IS NULL", [_hash(token)])
    if account is None or (account.expires_at is not None and account.expires_at <= now):
        return None
    if account.last_used_at is None or account.last_used_at <= now - LAST_USED_EVERY:
        _note_use(account, now)
    return account


def _note_use(account: ServiceAccount, now: datetime) -> None:
    try:
        with waiting_at_most(NOTE_SECONDS):
            ServiceAccount.objects.filter(pk=account.pk).update(last_used_at=now)
    except DatabaseError as error:
        # Reading must go on when nothing can be written.
        logger.info("The last use of the token of %s was not noted: %s", account.name, error)


def make_sign_in_link(user: User) -> str:
    """The token of a new link that signs `user` in once, within SIGN_IN_LINK_LIFE."""
    now = timezone.now()
    token = secrets.token_urlsafe(32)
    SignInLink.objects.filter(user=user, used_at__isnull=True, expires_at__lte=now).delete()
    SignInLink.objects.create(
        user=user, token_hash=_hash(token), created_at=now, expires_at=now + SIGN_IN_LINK_LIFE
    )
    return token


def sign_in_url(token: str) -> str:
    """The address to open for the token of a sign-in link."""
    return settings.BASE_URL + reverse("sign_in_link", args=[token])


def find_sign_in_link(token: str) -> SignInLink | None:
    """The live link of a token, with its `user`, without using it up."""
    if not LINK_SHAPE.fullmatch(token):
        return None
    live = SignInLink.objects.filter(
        used_at__isnull=True, expires_at__gt=timezone.now(), user__is_active=True
    )
    return live.filter(token_hash=_hash(token)).select_related("user").first()


def redeem_sign_in_link(token: str) -> User | None:
    """Uses a link up and gives its person; None when it is unknown, used, expired, or the person disabled."""
    link = find_sign_in_link(token)
    if link is None:
        return None
    # Two clicks at once: the update that finds it unused wins.
    won = SignInLink.objects.filter(pk=link.pk, used_at__isnull=True).update(used_at=timezone.now())
    return link.user if won == 1 else None


def keep_roles(**_: object) -> None:
    """Makes the groups that the roles are, where they are missing; after every migration."""
    for role in ROLES:
        Group.objects.get_or_create(name=role)


def administrators() -> QuerySet[User]:
    """Those who may sign in, the one who was there first at the beginning."""
    are = Q(is_superuser=True) | Q(groups__name="administrator")
    return User.objects.filter(are, is_active=True).order_by("pk").distinct()


def first_administrator() -> User | None:
    """The administrator who was there first; None before the first start."""
    return administrators().first()


class LinksEnd:
    """Among the password validators, which Django tells of every new password: who changes one wants that
    nobody comes in by what was given away before."""

    def validate(self, password: str, user: object = None) -> None:
        """Any password will do."""

    def get_help_text(self) -> str:
        return "One-time links that were not used yet end with the old password."

    def password_changed(self, password: str, user: User) -> None:
        SignInLink.objects.filter(user=user, used_at__isnull=True).delete()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
