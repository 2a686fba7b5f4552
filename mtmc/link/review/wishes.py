"""Solutions that meet the wishes of somebody who looked, and ids that stay where nothing changed.

Shape shorthand: T tracklets, E links.
"""

from __future__ import annotations

import numpy as np

from mtmc.assignment import best_assignment
from mtmc.link.problem import Links, Problem, Solution, Wishes
from mtmc.link.rules.constraints import Partition
from mtmc.structures import Long, TrackletTable


class Contradiction(ValueError):
    """A wish that cannot be met beside those before it: ``same`` tells which kind, ``index`` which one."""

    def __init__(self, index: int) -> None:
        super().__init__(f"wish {index} cannot be met")
        self.index = index


def still_open(table: TrackletTable, links: Links, wishes: Wishes) -> Links:
    """Candidate links that the wishes leave open: none between different vehicles, and none past a pair that is one
    vehicle and was not seen at once, for these have found each other; what lies between them may still be linked."""
    count = 1 + int(max(a.max(initial=0) for a in (links.source, links.target, wishes.same, wishes.different)))
    apart = _pairs(wishes.different[:, 0], wishes.different[:, 1], count)
    refused = np.isin(_pairs(links.source, links.target, count), apart)
    refused |= np.isin(_pairs(links.target, links.source, count), apart)
    one, two = wishes.same.T
    swap = table.start_s[two] < table.start_s[one]
    first, second = np.where(swap, two, one), np.where(swap, one, two)
    apart_in_time = table.end_s[first] < table.start_s[second]
    follower, predecessor = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(follower, first[apart_in_time], table.start_s[second[apart_in_time]])
    np.maximum.at(predecessor, second[apart_in_time], table.end_s[first[apart_in_time]])
    taken = (table.start_s[links.target] > follower[links.source]) | (
        table.end_s[links.source] < predecessor[links.target]
    )
    return links.take(np.flatnonzero(~refused & ~taken))


def _pairs(a: Long, b: Long, count: int) -> Long:
    return np.asarray(a, np.int64) * count + b


def confined(problem: Problem, solution: Solution) -> Solution:
    """The solution as far as the wishes allow it: what is the same comes together first, then the solution's links,
    surest first, none that would join what is different. Raises Contradiction for wishes that no solution meets."""
    table, wishes = problem.table, problem.wishes
    partition = Partition(table, map(tuple, wishes.different.tolist()))
    for index, (a, b) in enumerate(wishes.same.tolist()):
        if not partition.join(a, b):
            raise Contradiction(index)
    source, target, probability = _ends(solution, table)
    order = np.lexsort((target, source, -probability))
    held = [k for k in order.tolist() if partition.join(int(source[k]), int(target[k]))]
    removed = (solution.labels < 0) & ~np.isin(np.arange(len(table)), wishes.same)
    labels = np.where(removed, -1, partition.labels())
    links = None if solution.links is None else solution.links.take(np.sort(np.array(held, np.int64)))
    return Solution(labels, links, solution.network, solution.warnings, solution.possible)


def _ends(solution: Solution, table: TrackletTable) -> tuple[Long, Long, np.ndarray]:
    """Source, target and probability of the links that make the solution; without any, each vehicle as a chain."""
    if solution.links is not None:
        return solution.links.source, solution.links.target, solution.links.probability
    order = np.lexsort((table.start_s, solution.labels))
    label = solution.labels[order]
    next_ = np.flatnonzero((label[1:] == label[:-1]) & (label[1:] >= 0))
    return order[next_], order[next_ + 1], np.ones(len(next_))


def stable_labels(labels: Long, before: Long) -> Long:
    """Labels (T,) under the numbers of ``before`` (T,): each vehicle keeps the number with which it shares most
    tracklets, each number goes to one vehicle; new ones count on."""
    kept = np.flatnonzero((labels >= 0) & (before >= 0))
    codes, vehicle = np.unique(labels[kept], return_inverse=True)
    numbers, number = np.unique(before[kept], return_inverse=True)
    pair, shared = np.unique(vehicle * max(len(numbers), 1) + number, return_counts=True)
    rows, columns = np.divmod(pair, max(len(numbers), 1))
    chosen = best_assignment(rows, columns, shared.astype(np.float64))
    renamed = dict(zip(codes[rows[chosen]].tolist(), numbers[columns[chosen]].tolist(), strict=True))
    following = int(before.max(initial=0)) + 1
    for label in labels[labels >= 0].tolist():
        if label not in renamed:
            renamed[label] = following
            following += 1
    return np.array([renamed.get(label, -1) for label in labels.tolist()], np.int64)
