"""PyTorch module of recurrent layers with an optional embedding and readout. Requires only PyTorch.

`python scripts/export.py run=... to=torch` copies this file to the folder of the weights.
"""

from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Recurrent(nn.Module):
    """Stack of recurrent layers. Sequences are time-major.

    Args:
      blocks: a list of dicts with the key "kind" ("RNN", "LSTM" or "GRU") and the arguments of that class.
      output: steps whose outputs are returned: "all" steps, the "last" step, or "ends". "ends" joins the last step of
        the forward direction and the first step of the backward direction.
      output_size: output size of the readout, an `nn.Linear`. None means no readout.
      vocabulary: number of symbols of the `nn.Embedding`. None if the inputs are values.
    """

    def __init__(self, blocks, output="all", output_size=None, vocabulary=None):
        super().__init__()
        if output not in ("all", "last", "ends"):
            raise ValueError(f"output={output}: expected all (every before version 0.6.0), last or ends")
        first, last = blocks[0], blocks[-1]
        self.settings = {"blocks": blocks, "output": output, "output_size": output_size, "vocabulary": vocabulary}
        self.output = output
        self.embedding = None if vocabulary is None else nn.Embedding(vocabulary, first["input_size"])
        self.layers = nn.ModuleList(
            getattr(nn, block["kind"])(**{k: v for k, v in block.items() if k != "kind"}) for block in blocks
        )
        width = last["hidden_size"] * (2 if last["bidirectional"] else 1)
        self.readout = None if output_size is None else nn.Linear(width, output_size)

    @classmethod
    def load(cls, settings, state):
        """Builds a module from its settings and weights {name: array or tensor}, in the dtype of the weights."""
        module = cls(**settings)
        state = {name: torch.as_tensor(value).clone() for name, value in state.items()}
        module.to(next(iter(state.values())).dtype).load_state_dict(state)
        return module

    def forward(self, xs, lengths=None):
        """Computes the outputs of sequences.

        Args:
          xs: values [T, B, D], or symbols [T, B].
          lengths: lengths of the sequences [B]. None means that all have length T.

        Returns:
          ys [T, B, K], or [1, B, K] if the module returns one output per sequence. Outputs after the end of a sequence
          are zero.
        """
        steps, hs = len(xs), xs
        if self.embedding is not None:
            hs = self.embedding(xs)
        if lengths is not None:
            lengths = torch.as_tensor(lengths).cpu()
        state: Any = None
        for layer in self.layers:
            if lengths is None:
                hs, state = layer(hs)
            else:
                packed, state = layer(pack_padded_sequence(hs, lengths, enforce_sorted=False))
                hs = pad_packed_sequence(packed, total_length=steps)[0]
        if self.output == "last":
            hs = hs[-1:] if lengths is None else hs[lengths - 1, torch.arange(hs.shape[1])][None]
        if self.output == "ends":
            h = state[0] if isinstance(state, tuple) else state
            hs = torch.cat([h[-2], h[-1]], -1)[None]
        ys = hs if self.readout is None else self.readout(hs)
        if lengths is not None and self.output == "all":
            ys = ys.masked_fill((torch.arange(steps)[:, None] >= lengths)[..., None].to(ys.device), 0)
        return ys
