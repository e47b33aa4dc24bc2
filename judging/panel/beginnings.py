"""Which questions of a batch begin with the same pictures?"""

from collections import defaultdict
from collections.abc import Sequence

from judging.panel.questions.calls import Call


def grouped(calls: Sequence[Call]) -> list[tuple[int, list[int]]]:
    """(how many leading pictures they share, their places) of each group of questions; every place once.

    All pictures but the last where two questions have them in common, else the first alone: the reference.
    """
    remaining, groups = set(range(len(calls))), []
    for count in (2, 1):
        by_beginning: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for place in sorted(remaining):
            digests = [picture.digest for _, picture in calls[place].pictures]
            if len(digests) > count:
                by_beginning[calls[place].system, *digests[:count]].append(place)
        for places in by_beginning.values():
            if len(places) > 1:
                groups.append((count, places))
                remaining.difference_update(places)
    return [*groups, *((0, [place]) for place in sorted(remaining))]
