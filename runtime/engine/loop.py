"""The loop: claim a run, take the next step, hand it to its handler, until the run is parked or has ended."""

from __future__ import annotations

import logging

from django.db import Error as DatabaseError
from django.db import connection

from runtime import journal
from runtime.engine import steps
from runtime.engine.context import Context
from runtime.engine.lease import Keeper, Stopping
from runtime.engine.model_call import call_model
from runtime.engine.tool_calls import answer, doubt, run_tool
from runtime.lifecycle import RunState
from runtime.workspace import WorkspaceError

WORKSPACE_SECONDS = 15.0
logger = logging.getLogger(__name__)


def advance(run_id: str, keeper: Keeper, *, slots: int) -> bool:
    """Claims the run and takes it as far as it goes. False when it was not to be had."""
    lease = journal.claim(run_id, keeper.owner, slots=slots, lease_seconds=keeper.lease_seconds)
    if lease is None:
        return False
    with keeper.hold(lease) as held:
        try:
            context = Context(held)
            while take(context, steps.next_step(context.situation())):
                held.check()
        except (journal.Fenced, journal.RunGone) as gone:
            logger.info("Run %s is no longer ours: %s", run_id, gone)
        except Stopping:
            journal.hand_back(lease, "the worker is stopping")
        except WorkspaceError as error:
            # Somebody is editing it. The run waits, it does not fail.
            logger.warning("Run %s waits: the workspace is broken: %s", run_id, error)
            journal.hand_back(lease, "the workspace is broken", wait_seconds=WORKSPACE_SECONDS)
        except DatabaseError:
            # Nothing can be written now; the lease runs out and recovery queues the run again.
            logger.exception("Run %s lost the database.", run_id)
            connection.close()
        except Exception as error:
            logger.exception("Run %s failed by an internal error.", run_id)
            _fail(
                lease, f"An internal error stopped the run ({type(error).__name__}); the server's log has it."
            )
    return True


def take(context: Context, step: steps.Step) -> bool:
    """Takes one step. True when there is another one to take."""
    match step:
        case steps.CallModel():
            return call_model(context, step)
        case steps.RunTool():
            run_tool(context, step)
            return True
        case steps.Answer():
            answer(context, step)
            return True
        case steps.Doubt():
            doubt(context, step)
        case steps.Park():
            with context.entry() as entry:
                entry.move(RunState.WAITING_FOR_APPROVAL, "tool calls wait for decisions")
        case steps.Fail(error=error):
            _fail(context.lease, error)
    return False


def _fail(lease: journal.Lease, error: str) -> None:
    try:
        with journal.entry(lease.run_id, lease) as entry:
            journal.give_up(entry, "the run cannot go on", error)
    except (journal.Fenced, journal.RunGone):
        return
