"""The files of run folders: metrics, checkpoints, summary, probes, lock; everything that reads or writes them.

- `run_folders`, `group_store`: where the runs of a program are saved while they train, and from where they resume.
- `checkpoints`, `array_file`: their states. `fingerprint` identifies a run, so that no other resumes from them.
- `metrics_csv`, `summaries`, `probe_files`: their results. `trackers` hands them to experiment trackers.
- `locks`: who may write.

Computations belong to `training`, the configuration in `.hydra/` belongs to `experiments`. A name is loaded when it is
first used.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
