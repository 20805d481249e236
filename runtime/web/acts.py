"""The next act of a diagnosis as a button or link of the pages."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from runtime.access import Actor
from runtime.diagnosis import Act, Diagnosis
from runtime.models import Run

TYPED = 2_000  #: characters of a request that an address may carry to the board


@dataclass(frozen=True, slots=True)
class Button:
    """`method` is `get` for a link, `post` for an act."""

    label: str
    icon: str
    address: str
    method: str = "get"
    quiet: bool = False  #: there is only something to look at: others act on it


def button(run: Run, found: Diagnosis, actor: Actor, *, asked: str = "", call_id: str = "") -> Button | None:
    """What the page offers; None when there is nothing to do, or this person may not do it.

    `asked`: the run's request; `call_id`: the call to decide about or to resolve.
    """
    here = reverse("run", args=[run.run_id])
    anchor = f"{here}#c-{call_id}" if call_id else here
    match found.act:
        case Act.DECIDE:
            if not actor.may("reviewer"):
                return Button("Look at the card", "hand", anchor, quiet=True)
            return Button("Decide", "hand", anchor)
        case Act.RESOLVE:
            if not actor.may("operator"):
                return Button("Look at the call", "circle-help", anchor, quiet=True)
            return Button("Say what happened", "circle-help", anchor)
        case Act.OPEN_BLOCKER:
            return Button("Open that run", "chevron-right", reverse("run", args=[found.target]))
        case Act.READ_EVENTS:
            return Button("Read its events", "list", reverse("run_events", args=[run.run_id]))
        case Act.CHECK_WORKSPACE:
            return Button("Look at the workspace", "bot", reverse("agents"))
        case Act.CHECK_HEALTH | Act.START_WORKER:
            return Button("Look at the workers", "activity", f"{reverse('health')}#workers-title")
    return _of_operator(run, found, asked) if actor.may("operator") else None


def _of_operator(run: Run, found: Diagnosis, asked: str) -> Button | None:
    match found.act:
        case Act.RETRY:
            return Button("Run it again", "rotate-cw", reverse("run_retry", args=[run.run_id]), "post")
        case Act.CANCEL:
            return Button("Cancel the run", "square", reverse("run_cancel", args=[run.run_id]), "post")
        case Act.CONTINUE:
            return Button("Go on in the thread", "send", reverse("thread", args=[run.thread_id]) + "#end")
        case Act.NEW_THREAD:
            typed = "?" + urlencode({"input": asked}) if 0 < len(asked) <= TYPED else ""
            return Button("Ask in a new thread", "plus", f"{reverse('board')}{typed}#composer")
    return None
