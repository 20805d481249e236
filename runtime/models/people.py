"""Service accounts with their API tokens, and one-time sign-in links. Only hashes are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from django.conf import settings
from django.db import models
from django.utils import timezone

from runtime.models.base import VerbatimJSON

ROLES = ("viewer", "operator", "reviewer", "administrator")


class Who(Protocol):
    """Whoever did something; an `access.Actor`."""

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def address(self) -> str: ...


class ServiceAccount(models.Model):
    """A program that calls the API."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100, unique=True)
    roles: Any = VerbatimJSON(default=list)
    token_prefix = models.CharField(max_length=16, help_text="To recognise a token; grants nothing.")
    token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token.")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "service_accounts"

    def __str__(self) -> str:
        return self.name


class TokenAct(models.Model):
    """One row of `token_acts`: what was done to a service account, and by whom; append-only."""

    MADE, REPLACED, REVOKED = "made", "replaced", "revoked"

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(ServiceAccount, on_delete=models.PROTECT)
    act = models.CharField(max_length=16, choices=[(word, word) for word in (MADE, REPLACED, REVOKED)])
    token_prefix = models.CharField(max_length=16, help_text="What the token begins with.")
    roles_before = models.CharField(max_length=100, default="")
    roles_after = models.CharField(max_length=100, default="")
    expires_at = models.DateTimeField(null=True, help_text="When the token made here expires.")
    done_by = models.CharField(max_length=200)
    source = models.CharField(max_length=16)
    address = models.CharField(max_length=64, default="")
    done_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "token_acts"
        indexes = [models.Index(fields=["done_by"], name="token_acts_done_by")]

    def __str__(self) -> str:
        return f"{self.account}: {self.act} by {self.done_by}"

    @staticmethod
    def facts(account: ServiceAccount, act: str, before: Sequence[str], by: Who) -> dict[str, Any]:
        """The columns of what was just done to an account that had the roles `before`."""
        return {
            "account": account,
            "act": act,
            "token_prefix": account.token_prefix,
            "roles_before": ", ".join(before),
            "roles_after": ", ".join(account.roles),
            "expires_at": account.expires_at,
            "done_by": by.name,
            "source": by.source,
            "address": by.address,
        }


class SignInLink(models.Model):
    """A link that signs one person in, once."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sign_in_links"

    def __str__(self) -> str:
        return f"link for user {self.user_id}"
