"""Notes of a study about single runs, for the reader."""

from jaxrnn.storage import summaries
from jaxrnn.training import diagnostics

MAX_NOTES = 8  # notes about single runs that a study of many runs prints


def of_run(run, steps):
    """Returns the notes about one run.

    Args:
      run: a `Run` with a folder.
      steps: the steps of its checkpoints if all of them are studied.
    """
    notes = []
    if len(steps) == 1:
        [step] = steps
        notes.append(f"this run kept only the checkpoint of step {step}; checkpoints.keep_every=N keeps more")
    summary = summaries.read(run.folder)
    if summary is not None and summary["status"] not in ("finished", "pruned"):
        notes.append(
            f"this run ended as {summary['status']}: {summary['reason']}; the study measures its last good state"
        )
    return notes + diagnostics.notes(run.history)


def of_runs(folders_by_note, runs):
    """Writes notes about single runs, each once, and at most `MAX_NOTES` of them."""
    if runs == 1:
        return list(folders_by_note)
    lines = [
        f"{folders[0]}: {note}" if len(folders) == 1 else f"{len(folders)} of {runs} runs, such as {folders[0]}: {note}"
        for note, folders in folders_by_note.items()
    ]
    return first(lines)


def first(lines):
    """Returns the first `MAX_NOTES` lines, and how many more there are."""
    more = len(lines) - MAX_NOTES
    return lines[:MAX_NOTES] + ([f"and {more} more notes about single runs"] if more > 0 else [])
