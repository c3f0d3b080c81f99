"""The names of a configuration's nodes, in one table."""

REQUIRED = ("model", "data", "optimizer", "unroll", "trainer")  # every run has these, each chosen from a group
OPTIONAL = ("regularizer", "metrics")  # further nodes that decide what a run computes
OF_A_GROUP = (
    *OPTIONAL,
    "callbacks",
    "probes",
    "logger",
    "checkpoints",
)  # further nodes that all runs of a program share
PARTS = (*REQUIRED, "checkpoints", "figure", "study", "tune", "paper", "benchmark")  # nodes with keys of their own
COLLECTIONS = ("callbacks", "metrics", "probes", "logger")  # nodes of nodes, whose names the user chooses
FUNCTIONS = ("unroll", "regularizer", "metrics", "callbacks")  # nodes whose factories make functions
LISTS = ("callbacks", "probes", "logger")  # groups of which a run may choose several
FIXED = {  # {script whose YAML file lists all its keys: nodes whose keys are the arguments of a factory}
    **dict.fromkeys(("resume", "evaluate", "generate", "export", "report"), ()),
    "study_run": ("study", "figure"),
}
# `model._target_=jaxrnn.nets.rnn` stands for three factories. The kind of the data set's inputs chooses one of them:
# "pairs" if the answers have a length of their own, otherwise "symbols" or "values".
STACKS = {
    "values": "jaxrnn.nets.rnn",
    "symbols": "jaxrnn.nets.symbol_rnn",
    "pairs": "jaxrnn.nets.seq2seq",
}
DESCRIPTIONS = ("compare", "networks")  # nodes that describe other configurations
SET_BY_PROGRAM = (  # arguments of factories that are set by the program, not by the user
    "model.output_size",
    "model.vocabulary_size",
    "model.answers",
    "study.networks",
    "paper.quick",
)
