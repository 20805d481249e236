"""Service accounts with their API tokens, and one-time sign-in links. Only hashes are stored."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from runtime.models.base import VerbatimJSON

ROLES = ("viewer", "operator", "reviewer", "administrator")


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
