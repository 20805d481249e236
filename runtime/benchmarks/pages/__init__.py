"""Pages over few and over very many records: what they take on the server, alternated in one run.

Two processes, each with a database of its own: one has few runs, the other many. Each answers a page through
the whole of Django, without a socket; both have as many of the runs that have not ended, but the many have
thousands of approvals that wait.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from runtime.benchmarks import elsewhere
from runtime.benchmarks.counts import count
from runtime.benchmarks.elsewhere import Elsewhere, opened
from runtime.benchmarks.filling.fill import check_room
from runtime.benchmarks.pages import house
from runtime.benchmarks.report import ROUNDS, BenchmarkError, Report, percentile

NAME = "pages"
SUMMARY = (
    "lists, run and approvals pages over a million runs and over a thousand: time, ratio; beside a plain page"
)
PLAIN = "plain"
YARDSTICK = ("runs", PLAIN)  #: the product's list and the plain page of the same rows


def add_arguments(parser: ArgumentParser) -> None:
    """See Benchmark."""
    parser.add_argument("--few", type=count, default=1_000, help="runs of the small database (1000)")
    parser.add_argument("--runs", type=count, default=1_000_000, help="runs of the big one (1000000)")
    parser.add_argument("--pending", type=count, default=10_000, help="approvals that wait there (10000)")
    parser.add_argument("--times", type=count, default=20, help="requests of each page in a round (20)")
    parser.add_argument("--rounds", type=count, default=ROUNDS, help=f"rounds ({ROUNDS})")
    parser.add_argument("--only", default="", help="pages whose names begin so")
    elsewhere.add_argument(parser)


def run(options: Namespace) -> Report:
    """See Benchmark."""
    if options.answer:
        house.answer(**options.answer)
        return Report()
    if not 100 <= options.few <= options.runs:
        raise BenchmarkError("--few must be 100 or more, and --runs not less.")
    check_room(options.runs)
    with (
        opened(NAME, runs=options.few, pending=options.few // 10) as small,
        opened(NAME, runs=options.runs, pending=options.pending) as big,
    ):
        return _compare(small, big, options)


def _compare(small: Elsewhere, big: Elsewhere, options: Namespace) -> Report:
    names = [name for name in small.first["pages"] if name.startswith(options.only)]
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    slow: dict[str, list[float]] = {name: [] for name in names}
    for name in names:  # once, for what is made at the first visit
        small.ask(page=name)
        big.ask(page=name)
    for _ in range(options.rounds):
        for each in (small, big):
            each.ask(renew=True)
        for name in names:
            asked = [(small.ask(page=name), big.ask(page=name)) for _ in range(options.times)]
            few, many = ([answer["seconds"] for answer in each] for each in zip(*asked, strict=True))
            took[name].append((percentile(few, 50), percentile(many, 50)))
            slow[name].append(percentile(many, 95))
    report = Report()
    for name in names:
        report.add(f"{name}_ratio", "", (many / few for few, many in took[name]))
        report.add(f"{name}_p50", "ms", (many * 1000 for _, many in took[name]))
        report.add(f"{name}_p95", "ms", (seconds * 1000 for seconds in slow[name]))
    if set(YARDSTICK) <= set(names):
        for size, place_of in (("few", 0), ("many", 1)):
            ours, plain = ([each[place_of] for each in took[name]] for name in YARDSTICK)
            report.add(f"list_to_plain_{size}", "", (a / b for a, b in zip(ours, plain, strict=True)))
    for each in (small, big):
        report.say(each.first["said"])
    report.say("ratio: p50 over the many to p50 over the few; p50 and p95 are those over the many.")
    return report
