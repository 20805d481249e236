"""One running product for all journeys that do not stop it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.product import Product, running


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product with the embedded model."""
    with running(tmp_path_factory.mktemp("product")) as started:
        yield started


@pytest.fixture(scope="session")
def api(product: Product) -> Iterator[httpx.Client]:
    """A client that may start and decide."""
    with product.client("operator", "reviewer") as client:
        yield client
