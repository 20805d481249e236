"""The loop: claim a run, take its next steps, do what is slow, until the run is parked or has ended.

Each entry records what the last effect brought and marks what comes next, so a step costs one commit. The
slow thing itself happens between two entries.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial

from django.db import DataError, IntegrityError, OperationalError, connection
from django.db import Error as DatabaseError

from runtime import journal, log
from runtime.engine import steps
from runtime.engine.context import Context
from runtime.engine.effects import Effect
from runtime.engine.lease import Keeper, Stopping
from runtime.engine.model_call import ModelCall
from runtime.engine.pause import Pause
from runtime.engine.tool_calls import ToolRun, answer
from runtime.lifecycle import RunState, Why
from runtime.models import RunRequest
from runtime.workspace import WorkspaceError

RECORD_PATIENCE = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)  #: seconds between tries to write an outcome
WORKSPACE_SECONDS = 15.0
logger = logging.getLogger(__name__)


def advance(run_id: str, keeper: Keeper, *, slots: int, limits: Mapping[str, int] | None = None) -> bool:
    """Claims the run and takes it as far as it goes. False when it was not to be had."""
    with log.about(run=run_id):
        return _advance(run_id, keeper, slots=slots, limits=limits)


def _advance(run_id: str, keeper: Keeper, *, slots: int, limits: Mapping[str, int] | None) -> bool:
    claiming = partial(
        journal.claiming, run_id, keeper.owner, slots=slots, lease_seconds=keeper.lease_seconds, limits=limits
    )
    claim = partial(_claim, run_id, keeper, claiming)
    # Where runs stand in line for an agent's places, nobody may pass one that is about to be taken.
    claimed = claim() if limits else keeper.alone(run_id, claim)
    if claimed is None:
        return False
    entry, context, effect = claimed
    if context is not None:
        with keeper.hold(entry.lease) as held, log.about(thread=entry.lease.thread_id):
            context.held, context.run = held, entry.run
            if effect is not None:
                _go_on(context, effect)
    return True


Claiming = Callable[[], AbstractContextManager[journal.Entry | None]]
Claimed = tuple[journal.Entry, Context | None, Effect | None]


def _claim(run_id: str, keeper: Keeper, claiming: Claiming) -> Claimed | None:
    """Claims the run and writes its first steps; None: it was not to be had. Without a context it was put
    back, or has ended."""
    try:
        context = Context(run_id, keeper.stopping)
        if not context.queued:
            return None
        with claiming() as entry:
            return None if entry is None else (entry, context, begin(context, entry))
    except RunRequest.DoesNotExist:
        return None
    except WorkspaceError as error:
        # Somebody is editing it. The run waits, it does not fail.
        logger.warning("Run %s waits: the workspace is broken: %s", run_id, error)
        with claiming() as entry:
            if entry is not None:
                journal.put_back(entry, Why.WORKSPACE, wait_seconds=WORKSPACE_SECONDS)
    except DatabaseError:
        raise
    except Exception as error:
        logger.exception("Run %s cannot begin.", run_id)
        with claiming() as entry:
            if entry is not None:
                journal.give_up(entry, Why.INTERNAL, _internal(error))
    return None if entry is None else (entry, None, None)


def begin(context: Context, entry: journal.Entry) -> Effect | None:
    """Writes the next steps, up to one that is slow: its effect is to be run now. None: the run is parked or
    has ended."""
    while entry.run.state == RunState.RUNNING:
        entry.open()
        if context.stopping.is_set():
            journal.put_back(entry, Why.STOPPING)
            break
        match steps.next_step(context.situation(entry)):
            case steps.CallModel() as step:
                return Pause(context) if context.pause else ModelCall.begin(context, entry, step)
            case steps.RunTool() as step:
                effect = ToolRun.begin(context, entry, step)
                if effect is not None:
                    return effect
            case steps.Answer() as step:
                answer(context, entry, step)
            case steps.Doubt(call_id=call_id):
                journal.doubt(entry, call_id)
            case steps.Park():
                entry.move(RunState.WAITING_FOR_APPROVAL, "tool calls wait for decisions")
            case steps.Fail(why=why, error=error):
                journal.give_up(entry, why, error)
    return None


def _go_on(context: Context, effect: Effect | None) -> None:
    lease = context.held.lease
    try:
        while effect is not None:
            effect.run()
            effect = _record(context, effect)
    except journal.RunGone as gone:
        journal.finish_deletion(lease.thread_id)  # a tool may have written after the deletion
        logger.info("Run %s is no longer ours: %s", lease.run_id, gone)
    except journal.Fenced as gone:
        logger.info("Run %s is no longer ours: %s", lease.run_id, gone)
    except Stopping:
        journal.hand_back(lease, Why.STOPPING)
    except (DataError, IntegrityError) as error:
        # The database is there and will not have this; it would refuse the same again.
        logger.exception("What run %s did could not be recorded.", lease.run_id)
        _fail(lease, error)
    except DatabaseError:
        # Nothing can be written now; the lease runs out and recovery queues the run again.
        logger.exception("Run %s lost the database.", lease.run_id)
        connection.close()
    except Exception as error:
        logger.exception("Run %s failed by an internal error.", lease.run_id)
        _fail(lease, error)


def _record(context: Context, effect: Effect) -> Effect | None:
    """Writes what came of an effect, and what comes next. It has happened: a database that is locked or away
    for a while must not make its outcome unknown, so this is tried again for as long as the run is ours."""
    for patience in (*RECORD_PATIENCE, None):
        try:
            with context.entry() as entry:
                effect.record(entry)
                following = begin(context, entry)
            effect.recorded()
            return following
        except journal.Overtaken:
            continue  # the next try begins first
        except OperationalError:
            if patience is None:
                raise
            logger.warning(
                "What run %s did could not be written; trying again.", context.run_id, exc_info=True
            )
            connection.close()
            if context.held.lost.is_set():
                raise
            time.sleep(patience)
    raise AssertionError("The last try returns or raises.")


def _fail(lease: journal.Lease, error: Exception) -> None:
    try:
        with journal.entry(lease.run_id, lease) as entry:
            journal.give_up(entry, Why.INTERNAL, _internal(error))
    except (journal.Fenced, journal.RunGone):
        return


def _internal(error: Exception) -> str:
    return f"An internal error stopped the run ({type(error).__name__}); the server's log has it."
