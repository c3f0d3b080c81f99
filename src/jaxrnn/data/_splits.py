"""Which examples train, validate and test: examples that read alike stay together, and each label has its share."""

import numpy as np


def split_groups(keys, labels=None, seed=0, validation=0.1, test=0.1):
    """{"train", "validation", "test": numbers} of examples, drawn by the seed.

    Args:
      keys: what the network reads of each example; examples with equal keys are in the same part.
      labels: of each example, drawn from so that each label has its share of each part; None for one label. Examples
        with equal keys count as the label of the first one.
      seed: of the draw.
      validation, test: the shares of the different keys.
    """
    numbers = {}
    groups = np.array([numbers.setdefault(key, len(numbers)) for key in keys])
    first = np.unique(groups, return_index=True)[1]
    strata = np.zeros(len(first), int) if labels is None else np.unique(labels, return_inverse=True)[1][first]
    order = np.random.default_rng(seed).permutation(len(first))
    queues = [order[strata[order] == stratum] for stratum in range(strata.max() + 1)]
    sizes = np.array([len(queue) for queue in queues])
    held = _shared_out(round(validation * len(first)), sizes)
    tested = _shared_out(round(test * len(first)), sizes - held)
    cuts = [np.split(queue, [a, a + b]) for queue, a, b in zip(queues, held, tested, strict=True)]
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1])
    return {
        name: np.concatenate([members[group] for pieces in cuts for group in pieces[place]] or [np.zeros(0, int)])
        for name, place in (("train", 2), ("validation", 0), ("test", 1))
    }


def _shared_out(total, sizes):
    """Whole numbers that add up to `total`, in proportion to the sizes (the largest remainders are rounded up)."""
    exact = total * sizes / sizes.sum()
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact, kind="stable")[: total - counts.sum()]] += 1
    return counts


def absent_labels(labels, parts):
    """Sentences about the labels [N] that one of the parts, {name: numbers}, does not hold: one sentence, or none."""
    labels = np.asarray(labels)
    absent = {name: sorted(set(labels.tolist()) - set(labels[rows].tolist())) for name, rows in parts.items()}
    found = [f"{name} lacks {_listed(names)}" for name, names in absent.items() if names]
    return (f"some labels are too rare to be in every part: {'; '.join(found)}",) if found else ()


def _listed(names, most=5):
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
