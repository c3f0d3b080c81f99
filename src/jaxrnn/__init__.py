"""Recurrent networks in JAX: training, sweeps and analysis.

    import jaxrnn
    from jaxrnn.cells import lstm
    from jaxrnn.data import sine

    result = jaxrnn.fit(
        jaxrnn.rnn(lstm.cell(16), output_size=1), sine.dataset(), steps=36_000, batch_size=1, learning_rate=1e-3
    )
    result.metrics, result.generate(36)

The subpackages, each of which imports only those after it: `commands`, `papers`, `studies`, `benchmarks`, `sweeps`,
`experiments`, `plotting`, `storage`, `training`, `interop`, `dynamics`, `nets`, `data`, `distributions`, `unroll`,
`cells`. All names are loaded when first used.
"""

from jaxrnn.lazy import attach

__version__ = "0.6.0"

__getattr__, __dir__, __all__ = attach(__name__, __file__)
