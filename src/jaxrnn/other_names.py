"""Names that users know from earlier versions and from other libraries, and the names here."""

NEW_NAMES = {  # names before version 0.6 -> names now, of options and of their values
    "attend": "attention",
    "own_outputs": "scheduled_sampling",
    "symbols": "vocabulary_size",
    "past": "past_covariates",
    "known": "future_covariates",
    "refuse": "error",
    "line": "interpolate",
    "previous": "forward_fill",
    "every": "all",
    "least": "lower",
    "most": "upper",
}
MOVED = {  # arguments of `jaxrnn.rnn` before version 0.6 -> the factories that take them now
    "answers": "jaxrnn.nets.seq2seq",
    "attention": "jaxrnn.nets.seq2seq",
    "scheduled_sampling": "jaxrnn.nets.seq2seq",
    "vocabulary_size": "jaxrnn.nets.symbol_rnn",
    "embedding": "jaxrnn.nets.symbol_rnn",
    "tied_embedding": "jaxrnn.nets.symbol_rnn",
}
KEYS = {  # words of Keras, PyTorch and other libraries -> keys of a configuration
    **dict.fromkeys(("units", "num_units", "hidden_size", "hidden_dim", "hidden", "features"), "model.cell.size"),
    **dict.fromkeys(("num_layers", "n_layers", "layers"), "model.layers"),
    **dict.fromkeys(("epochs", "num_epochs", "n_epochs", "max_epochs", "iterations", "max_steps"), "trainer.steps"),
    **dict.fromkeys(("batch_size", "batchsize", "bs"), "trainer.batch_size"),
    **dict.fromkeys(("lr", "learning_rate"), "optimizer.learning_rate"),
    **dict.fromkeys(("clipnorm", "global_clipnorm", "max_norm", "clip_norm"), "optimizer.clip_norm"),
    **dict.fromkeys(("clipvalue", "clip_value"), "optimizer.clip_value"),
    **dict.fromkeys(("nonlinearity", "activation"), "model.cell.activation"),
    **dict.fromkeys(("lookback", "look_back", "seq_len", "seq_length", "timesteps"), "data.window"),
    **dict.fromkeys(("patience", "early_stopping"), "callbacks=[early_stopping] callbacks.early_stopping.patience"),
    **dict.fromkeys(("scheduler", "lr_scheduler"), "optimizer/schedule"),
    **dict.fromkeys(("random_state", "random_seed", "manual_seed"), "seed"),
    **dict.fromkeys(("dataset", "train_data"), "data"),
    **dict.fromkeys(("network", "net", "cell", "rnn", "layer"), "model"),
    **dict.fromkeys(("output_dir", "save_dir", "log_dir", "default_root_dir"), "hydra.run.dir"),
    "kernel_size": "model.frontend_kernel",
    "filters": "model.frontend_features",
    "return_sequences": "data.target",
    "weight_decay": "optimizer.weight_decay",
    "dropout": "model.dropout",
    "recurrent_dropout": "model.recurrent_dropout",
    "bidirectional": "model.bidirectional",
    "opt": "optimizer",
    **dict.fromkeys(("tensorboard", "wandb", "mlflow", "trackio", "tracker", "loggers"), "logger"),
    "dtype": "trainer.precision",
}
NOTES = {
    "trainer.steps": ", a number of updates: epochs x sequences / trainer.batch_size",
    "logger": ", such as logger=tensorboard or logger=[wandb,mlflow]",
}


def key_here(name: str) -> str | None:
    """Returns the key for an option of another library, from its last word; None if the word is unknown."""
    return KEYS.get(name.rpartition(".")[2])


def hint(name: str) -> str:
    """Returns the end of a message about an unknown key, "; here it is KEY=...", or an empty string."""
    key = key_here(name)
    return "" if key is None else f"; here it is {key}=...{NOTES.get(key, '')}"
