"""A process that fills its database and then answers pages: through middleware, view and template, with a
connection for each request as in the web server, but without a socket."""

from __future__ import annotations

import time
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.handlers.base import BaseHandler
from django.core.signals import request_started
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from harness_site import databases
from runtime.benchmarks import place
from runtime.benchmarks.elsewhere import questions, say
from runtime.benchmarks.filling.fill import fill, size
from runtime.benchmarks.pages import plain
from runtime.benchmarks.pages.addresses import addresses
from runtime.benchmarks.report import BenchmarkError
from runtime.benchmarks.runs import MODELS
from runtime.models import Approval, Run

FEW = 60  #: runs in each of the states that are not `asked`, more than a page
PART = 20  #: and not more than this part of all


def answer(runs: int, pending: int) -> None:
    """Fills, says what there is, and answers pages until nobody asks any more."""
    place.configure(Path(settings.DATA_DIR), {"models.yaml": MODELS})
    few = min(FEW, runs // PART)
    active = dict.fromkeys(("queued", "parked", "running", "in_doubt"), few)
    filled = fill(runs, {"asked": min(pending, runs // 5), **active})
    databases.use_pool(2)
    visitor = Visitor()
    known = addresses()
    waiting = Approval.objects.count_pending()
    said = (
        f"{filled.runs:,} runs with {filled.events:,} events and {waiting:,} approvals that wait, "
        f"{size() / 1e6:,.0f} MB, made in {filled.seconds:.0f} s."
    )
    say(pages=list(known), said=said)
    for asked in questions():
        if "renew" in asked:
            _renew()
            say()
        else:
            say(seconds=visitor.visit(known[asked["page"]]))


class Visitor:
    """An administrator with a browser."""

    def __init__(self) -> None:
        person = User.objects.create_user("visitor")
        person.groups.add(Group.objects.get(name="administrator"))
        client = Client()
        client.force_login(person)
        self._factory = RequestFactory(headers={"host": "127.0.0.1"})
        self._factory.cookies = client.cookies
        # As in the product, where a worker and the feed have one: the last to close it tidies the log up.
        self._other = connection.copy()
        self._other.ensure_connection()
        self._handler = BaseHandler()
        self._handler.load_middleware()

    def visit(self, address: str) -> float:
        """Seconds from the request to the last byte of its page."""
        request = self._factory.get(address)
        request.urlconf = plain.__name__
        began = time.perf_counter()
        request_started.send(sender=BaseHandler)
        response = self._handler.get_response(request)
        assert isinstance(response, HttpResponse)
        size = len(response.content)
        response.close()
        took = time.perf_counter() - began
        if response.status_code != 200 or not size:
            raise BenchmarkError(f"{address} was answered with {response.status_code}.")
        return took


def _renew() -> None:
    """Half of the runs under way have a worker, the other half lost it."""
    ids = list(Run.objects.filter(state="running").order_by("run_id").values_list("run_id", flat=True))
    soon = time.time() + 2 * settings.LEASE_SECONDS
    Run.objects.filter(pk__in=ids[::2]).update(lease_until=soon)
