"""A campaign: clients play stories while processes are killed at random instants and started again."""

from __future__ import annotations

import random
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from runtime.benchmarks.torture.api import Answers, Api
from runtime.benchmarks.torture.fleet import WEB, Fleet
from runtime.benchmarks.torture.ledger import Ledger
from runtime.benchmarks.torture.recovery import Kill
from runtime.benchmarks.torture.stories import Story

CLIENTS = 2
STORIES = 4  #: open at once, of each client
LOOK_SECONDS = 0.15
MEAN_SECONDS = 0.8  #: between two blows
EARLY = 20  #: of a hundred blows, how many come without waiting until all are up again
QUIET_SECONDS = 90.0  #: until everything must be settled once all is up again
TARGETS = ("worker",) * 12 + ("web",) * 5 + ("all",) * 3


@dataclass
class Plan:
    """What is to be done. `pauses`: of a hundred blows, how many stop a worker for `pause_seconds` instead
    of killing it."""

    kills: int
    seed: int
    mean_seconds: float = MEAN_SECONDS
    pauses: int = 0
    pause_seconds: float = 4.0


@dataclass
class Outcome:
    """What was done, for the judge."""

    ledger: Ledger = field(default_factory=Ledger)
    answers: Answers = field(default_factory=Answers)
    kills: list[Kill] = field(default_factory=list)
    paused: int = 0
    unsettled: int = 0  #: stories that were not at an end in time
    seconds: float = 0.0
    settle_seconds: float = 0.0


class Campaign:
    """One fleet, some clients, many blows."""

    def __init__(self, fleet: Fleet, data_dir: Path, token: str, plan: Plan) -> None:
        self.fleet = fleet
        self.plan = plan
        self.outcome = Outcome()
        self._data_dir = data_dir
        self._token = token
        self._chance = random.Random(plan.seed)  # noqa: S311  (nothing secret)
        self._draining = threading.Event()
        self._given_up = threading.Event()

    def run(self) -> Outcome:
        """Strikes until the plan is fulfilled, lets everything come to rest, gives what happened."""
        began = time.monotonic()
        self.fleet.start_all()
        seeds = [self._chance.random() for _ in range(CLIENTS)]
        clients = [threading.Thread(target=self._play, args=[seed], daemon=True) for seed in seeds]
        for client in clients:
            client.start()
        try:
            while len(self.outcome.kills) < self.plan.kills:
                if self._chance.randrange(100) >= EARLY:
                    self.fleet.wait()
                self._wait(self._chance.expovariate(1 / self.plan.mean_seconds))
                self._strike()
            self.fleet.start_all()
            settling = time.monotonic()
            self._draining.set()
            self._settle(clients)
            self.outcome.settle_seconds = time.monotonic() - settling
        finally:
            self._given_up.set()
            for client in clients:
                client.join()
        self.outcome.ledger.wrong += self.outcome.answers.wrong
        self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.fleet.look(left)

    def _settle(self, clients: list[threading.Thread]) -> None:
        end = time.monotonic() + QUIET_SECONDS
        for client in clients:
            client.join(max(0.0, end - time.monotonic()))

    def _strike(self) -> None:
        """One blow: at those that are up, because one that is still starting has nothing to lose."""
        up = [name for name, member in self.fleet.members.items() if member.ready]
        workers = [name for name in up if name != WEB]
        if workers and self._chance.randrange(100) < self.plan.pauses:
            self._pause(self._chance.choice(workers))
            return
        target = self._chance.choice(TARGETS)
        names = {"web": [name for name in up if name == WEB], "all": up}.get(target, workers)
        if target == "worker":
            names = [self._chance.choice(workers)] if workers else []
        at = time.time()
        for name in names:
            self.outcome.kills.append(Kill(target, name, self.fleet.kill(name), at))
        for name in names:
            # The supervisor knows at once who died; on other machines only the lease tells.
            self.fleet.start(name, told=self._chance.random() < 0.5)

    def _pause(self, name: str) -> None:
        """A worker that hangs for longer than its lease, and then goes on as if nothing had been."""
        self.fleet.signal(name, signal.SIGSTOP)
        time.sleep(self.plan.pause_seconds)
        self.fleet.signal(name, signal.SIGCONT)
        self.outcome.paused += 1

    def _play(self, seed: float) -> None:
        """A client: some stories at a time, in turn."""
        chance = random.Random(seed)  # noqa: S311  (nothing secret)
        api = Api(self.fleet.port, self._token, self.outcome.answers)
        stories: list[Story] = []
        while not self._given_up.is_set():
            draining = self._draining.is_set()
            stories = [story for story in stories if not story.over]
            if draining and not stories:
                break
            while len(stories) < STORIES and not draining:
                stories.append(Story(api, self.outcome.ledger, self._data_dir, chance))
            for story in stories:
                story.draining = draining
                story.step()
            time.sleep(LOOK_SECONDS)
        self.outcome.unsettled += len(stories)
        api.close()
