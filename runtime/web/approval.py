"""`/approvals/<id>/`: the card of one call and the decision about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from runtime import actions, canonical, catalogue
from runtime.lifecycle import ApprovalStatus, Decision
from runtime.models import Approval, DecisionRecord, RunRequest, ThreadMessage
from runtime.redaction import mask
from runtime.web import arguments as args
from runtime.web import cards, length, transcript
from runtime.web.page import PageRequest, act, not_kept, page, safe_next
from runtime.web.text import quote

DONE = {"approve": "Approved", "edit": "Edited and approved", "reject": "Rejected", "respond": "Answered"}
NO_REASON = "Say why not: the model reads it and can do better."
NOT_SEEN = "Tick that you have seen the hidden characters first."
NOT_CHANGED = "Nothing was changed: “Approve” takes the call as it is."
NOT_SURE = "This cannot be undone: tick that you know it first."


@page()
def approval(request: PageRequest, approval_id: str) -> HttpResponse:
    """The whole page."""
    return _card_page(request, _approval(approval_id))


@act("operator", "reviewer")
def approval_reveal(request: PageRequest, approval_id: str) -> HttpResponse:
    """The page with nothing masked, in this answer alone; who asked for it is recorded first."""
    found = _approval(approval_id)
    actions.reveal(request.actor, found.tool_call_id, approval_id=found.approval_id)
    return _card_page(request, found, revealed=True)


@act("reviewer")
def decide(request: PageRequest, approval_id: str) -> HttpResponse:
    """Decides, then opens the next card that waits (or goes back to the run it came from). A long call that
    may not have been on the screen whole is shown once more, whole, and asked about at its end."""
    found = _approval(approval_id)
    decision = request.POST.get("decision", "")
    edited, errors = _edited(found, request.POST) if decision == "edit" else (None, {})
    typed = _typed(decision, request.POST, errors)
    if errors:
        return _card_page(request, found, _because(typed, "Some values cannot be read."), status=422)
    if missing := _missing(found, typed, edited):
        return _card_page(request, found, _because(typed, missing), status=422)
    if _may_be_unseen(found, typed, request.POST.get("digest", "")):
        return _confirm_page(request, found, typed)
    try:
        actions.decide_approval(
            request.actor,
            approval_id,
            decision,
            request.POST.get("digest", ""),
            arguments=edited,
            reason=typed.reason or None,
            content=typed.content if decision == "respond" else None,
        )
    except actions.Conflict as error:
        return _lost(request, approval_id, typed, error)
    except (actions.Invalid, actions.NoWorkspace) as error:
        return _card_page(request, found, _because(typed, error.detail), status=error.status)
    sentence = cards.call_sentence(found.tool_name, found.tool_call.arguments if edited is None else edited)
    messages.success(request, f"{DONE.get(decision, decision)}: {quote(sentence, 160)}")
    return HttpResponseRedirect(safe_next(request, _next_card(found)))


def _approval(approval_id: str) -> Approval:
    return get_object_or_404(Approval.objects.select_related("tool_call", "run", "thread"), pk=approval_id)


def _card_page(
    request: PageRequest,
    found: Approval,
    typed: cards.Typed | None = None,
    status: int = 200,
    *,
    revealed: bool = False,
) -> HttpResponse:
    decision = DecisionRecord.objects.filter(approval_id=found.approval_id).order_by("id").last()
    asked = RunRequest.objects.filter(pk=found.run_id).values_list("request_json", flat=True).first() or {}
    said = ThreadMessage.objects.filter(pk=found.tool_call.message_id).first()
    card = cards.make(found.tool_call, found, decision, typed=typed, revealed=revealed)
    ctx: dict[str, Any] = {
        "here": "approvals",
        "back": safe_next(request, ""),
        "card": card,
        "run": found.run,
        "request_text": asked.get("input", ""),
        "said": transcript.Said(said) if said else None,
        "others": Approval.objects.next_after(found),
    }
    answer = render(request, "approval/approval.html", ctx, status=status)
    # What was typed into an edit may have been revealed before.
    return not_kept(answer) if revealed or (card.masked and typed and typed.fields) else answer


def _confirm_page(request: PageRequest, found: Approval, typed: cards.Typed) -> HttpResponse:
    ctx: dict[str, Any] = {
        "here": "approvals",
        "back": safe_next(request, ""),
        "card": cards.make(found.tool_call, found),
        "given": typed,
        "run": found.run,
    }
    return render(request, "approval/confirm.html", ctx)


def _lost(
    request: PageRequest, approval_id: str, typed: cards.Typed, error: actions.Conflict
) -> HttpResponse:
    """Somebody else was first, or the call is another by now: the card as it is, and one plain message."""
    present = _approval(approval_id)
    winner = error.extra.get("winner")
    sentence = f"Not recorded: {_won(present, winner)}." if winner else error.detail
    return _card_page(request, present, _because(typed, sentence), status=409)


def _won(present: Approval, winner: dict[str, Any]) -> str:
    """Who or what was first, in words."""
    at = winner["decided_at"]
    when = f"at {datetime.fromisoformat(at):%Y-%m-%d %H:%M} UTC" if at else "before that"
    if present.status == ApprovalStatus.CANCELLED:
        return f"The run was cancelled by {cards.cancelled_by(present) or 'somebody'} {when}"
    if present.status == ApprovalStatus.EXPIRED:
        return f"The deadline passed {when}"
    return (
        f"{winner.get('decided_by') or 'Somebody'} was first. The decision was “{winner['decision']}”, {when}"
    )


def _edited(found: Approval, post: QueryDict) -> tuple[dict[str, Any], dict[str, str]]:
    return args.parse(found.tool_call.arguments or {}, found.arguments_schema_json, _fields(post))


def _fields(post: QueryDict) -> dict[str, str]:
    return {name.removeprefix("arg."): str(value) for name, value in post.items() if name.startswith("arg.")}


def _typed(decision: str, post: QueryDict, errors: dict[str, str]) -> cards.Typed:
    return cards.Typed(
        decision=decision,
        problem="",
        reason=post.get("reason", "").replace("\r\n", "\n"),
        content=post.get("content", "").replace("\r\n", "\n"),
        fields=_fields(post),
        errors=errors,
        seen=post.get("seen") == "yes",
        sure=post.get("sure") == "yes",
        all_shown=post.get("all") == "yes",
    )


def _because(typed: cards.Typed, problem: str) -> cards.Typed:
    # What is wrong may quote a value that nobody has seen.
    return replace(typed, problem=mask(problem))


def _missing(found: Approval, typed: cards.Typed, edited: dict[str, Any] | None) -> str:
    """What the person has to do first: a sentence."""
    if typed.decision == Decision.REJECT and not typed.reason.strip():
        return NO_REASON
    if typed.decision not in (Decision.APPROVE, Decision.EDIT):
        return ""
    if not typed.seen and _hidden(found, edited):
        return NOT_SEEN
    if edited is not None and canonical.encode(edited) == canonical.encode(found.tool_call.arguments):
        return NOT_CHANGED
    return NOT_SURE if not typed.sure and catalogue.irreversible(found.tool_name) else ""


def _may_be_unseen(found: Approval, typed: cards.Typed, digest: str) -> bool:
    """Whether the call is a long one and nothing says that all of it was on the screen. What is refused
    anyway is not asked about."""
    return (
        typed.decision == Decision.APPROVE
        and not typed.all_shown
        and found.status == ApprovalStatus.PENDING
        and digest == found.digest
        and typed.decision in found.allowed_decisions_json
        and length.is_long(cards.make(found.tool_call, found))
    )


def _hidden(found: Approval, edited: dict[str, Any] | None) -> bool:
    given = edited if edited is not None else found.tool_call.arguments or {}
    return bool(args.hidden_in({"": found.tool_name, **given}))


def _next_card(decided: Approval) -> str:
    following = Approval.objects.next_after(decided)
    return reverse("approval", args=[following.pk]) if following else reverse("approvals")
