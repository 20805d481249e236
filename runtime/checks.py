"""System checks: settings that would break the product are refused with an id and a hint."""

from __future__ import annotations
