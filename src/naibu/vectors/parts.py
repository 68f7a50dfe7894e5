"""Parts of long work, one after the other or on several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait


def in_parts(work: Callable[[int], int], count: int, threads: int) -> Iterator[int]:
    """Yield what was done so far, in all, after each of `count` parts of work; on one thread they come in order.

    work: does a part, named by its number, and returns how much it was; it has to let other threads run meanwhile.
    """
    done = 0
    if threads == 1:
        for part in range(count):
            done += work(part)
            yield done
        return
    with ThreadPoolExecutor(threads, "naibu-vectors") as pool:
        following, running = iter(range(count)), set[Future[int]]()
        for _, part in zip(range(threads), following, strict=False):
            running.add(pool.submit(work, part))
        while running:  # a Ctrl-C so waits for the parts that are under way alone
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for each in ended:
                done += each.result()
                if (part := next(following, -1)) >= 0:
                    running.add(pool.submit(work, part))
            yield done
