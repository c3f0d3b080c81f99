"""Many runs: which fit in one compiled program (`grouping`), training them (`group`, `halving`), scheduling and going
on (`schedule`, `callback`), searching (`search`), and what came of it (`report`).

Whatever concerns more than one run belongs here; how one run is trained (`training`) or kept (`experiments`) does not.
"""

from jaxrnn.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
