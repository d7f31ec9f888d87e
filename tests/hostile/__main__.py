"""Run hostile cases, each in a process of its own with limits: ``python -m tests.hostile --cases 2000 --seed 0``.

Then hostile requests over HTTP, all to one server.
"""

# What the processes of the cases import anew is this module: what it needs is imported further down.
from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp


def main() -> int:
    """Run cases and sum them up; 1 where something is wrong with one."""
    asked = _arguments()
    from itertools import islice

    from tests.hostile import session

    folder = asked.folder or Path(mkdtemp(prefix="hostile-"))
    chosen = islice(session.cases(asked.seed), asked.cases) if not asked.only else session.cases(asked.seed)
    if asked.only:
        chosen = (case for case in islice(chosen, max(asked.only) + 1) if case.number in asked.only)
    endings, began = [], time.monotonic()
    with ThreadPoolExecutor(asked.jobs) as pool:
        for ending in pool.map(lambda case: session.run_case(case, folder / str(case.number)), chosen):
            endings.append(ending)
            if ending.faults or asked.only:
                _tell(ending, folder, asked.seed)
            if len(endings) % 100 == 0:
                print(f"{len(endings):,} cases in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    rows, is_faulty = [], any(ending.faults for ending in endings)
    if not asked.only and asked.requests:
        row, faults = _ask(asked)
        rows.append(row)
        is_faulty = is_faulty or faults
    print(session.table(endings, *rows))
    return int(is_faulty)


def _ask(asked: argparse.Namespace) -> tuple[tuple[str, ...], bool]:
    """Send the requests; gives their row of the table, and whether something is wrong with one."""
    from itertools import islice

    from tests.hostile import http_requests, http_session

    chosen = enumerate(islice(http_requests.cases(asked.seed), asked.requests))
    wanted = [(number, *case) for number, case in chosen if asked.request in (None, number)]
    exchanges = []
    with http_session.serving() as (server, notes):
        for number, name, make in wanted:
            found = http_session.exchange(server, name, make)
            exchanges.append(found)
            if found.faults or asked.request is not None:
                print(f"request {number}: {name[:200]!r}: {found.reply.status} {found.reply.body[:300]!r}")
                print(f"  {'; '.join(found.faults) or 'all is well'}, {found.seconds:.1f} CPU s")
                print(f"  again: nox -s hostile -- --cases 0 --seed {asked.seed} --request {number}", flush=True)
        last = list(http_session.still_answers(server, notes))
    for fault in last:
        print(f"after all requests: {fault}")
    return http_session.summary(exchanges), bool(last) or any(found.faults for found in exchanges)


def _tell(ending, folder: Path, seed: int) -> None:
    case = ending.case
    print(f"case {case.number}, {case.group}: {case.name[:200]!r}")
    print(f"  $ cd {folder / str(case.number) / 'here'} && aaecli {ending.command!r}")
    for fault in ending.faults:
        print(f"  {fault}")
    print(f"  code {ending.outcome.code}, {ending.outcome.seconds:.1f} CPU s, {ending.outcome.max_bytes >> 20} MiB")
    print(f"  {ending.outcome.err.strip()[-1500:]!r}")
    print(f"  again: nox -s hostile -- --seed {seed} --only {case.number}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--cases", type=int, default=2000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="which of the endless ones")
    parser.add_argument("--only", type=int, nargs="+", help="numbers of the cases to run")
    parser.add_argument("--requests", type=int, default=600, help="how many requests over HTTP")
    parser.add_argument("--request", type=int, help="number of the only one to send")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="how many at a time")
    parser.add_argument("--folder", type=Path, help="where the files of faulty cases stay; a new temporary one")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
