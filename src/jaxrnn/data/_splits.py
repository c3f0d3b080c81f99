"""Splits examples into training, validation and test: equal inputs stay together, labels keep their shares."""

import numpy as np


def split_groups(keys, labels=None, seed=0, validation=0.1, test=0.1):
    """Splits examples at random and returns {"train", "validation", "test": indices}.

    Args:
      keys: the input of each example, hashable; examples with equal keys are in the same part.
      labels: the label of each example; None for no labels. Each label gets its share of each part. Examples with
        equal keys count under the label of the first.
      seed: the seed of the split.
      validation, test: the shares of the distinct keys.

    Raises:
      ValueError: if the shares leave no example for training.
    """
    if validation + test >= 1:
        raise ValueError(
            f"validation={validation} and test={test} leave nothing for training: their sum must be below 1"
        )
    numbers = {}
    groups = np.array([numbers.setdefault(key, len(numbers)) for key in keys])
    first = np.unique(groups, return_index=True)[1]
    strata = np.zeros(len(first), int) if labels is None else np.unique(labels, return_inverse=True)[1][first]
    order = np.random.default_rng(seed).permutation(len(first))
    queues = [order[strata[order] == stratum] for stratum in range(strata.max() + 1)]
    sizes = np.array([len(queue) for queue in queues])
    validation_counts = _apportion(round(validation * len(first)), sizes)
    test_counts = _apportion(round(test * len(first)), sizes - validation_counts)
    if validation_counts.sum() + test_counts.sum() >= len(first):
        raise ValueError(
            f"validation={validation} and test={test} leave none of {len(first)} different sequences for training: "
            "use smaller shares or more sequences"
        )
    cuts = [np.split(queue, [a, a + b]) for queue, a, b in zip(queues, validation_counts, test_counts, strict=True)]
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1])
    return {
        name: np.concatenate([members[group] for pieces in cuts for group in pieces[piece]] or [np.zeros(0, int)])
        for name, piece in (("train", 2), ("validation", 0), ("test", 1))
    }


def _apportion(total, sizes):
    """Divides `total` into whole numbers in proportion to `sizes`, rounding up the largest remainders."""
    exact = total * sizes / sizes.sum()
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact, kind="stable")[: total - counts.sum()]] += 1
    return counts


def absent_labels(labels, parts):
    """Returns a tuple with a sentence on the labels that some part lacks; an empty tuple if none does.

    Args:
      labels: [N].
      parts: {name: indices}.
    """
    labels = np.asarray(labels)
    absent = {name: sorted(set(labels.tolist()) - set(labels[rows].tolist())) for name, rows in parts.items()}
    clauses = [f"{name} lacks {_listed(names)}" for name, names in absent.items() if names]
    return (f"some labels are too rare to be in every part: {'; '.join(clauses)}",) if clauses else ()


def _listed(names, limit=5):
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(map(repr, names[:limit])) + more
