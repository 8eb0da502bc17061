"""All steps of a ConvLSTM layer in one operation."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from trainers.kernels import library, reference

# In the order of the kernels' numbers for them.
ACTIVATIONS = ("linear", "relu", "tanh")
_ATTRIBUTES = ("activation", "all_steps", "pool_rows", "pool_columns", "keep", "threads")


def conv_lstm(
    sequences: tf.Tensor,
    kernel: tf.Tensor,
    recurrent: tf.Tensor,
    bias: tf.Tensor,
    states: tuple[tf.Tensor, tf.Tensor] | None = None,
    *,
    activation: str,
    all_steps: bool,
    pool: tuple[int, int] = (1, 1),
    keep: bool,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs a layer with padding 'same', stride 1 and sigmoid gates.

    To be called where `usable.is_usable`.

    Args:
      sequences: float32 `[b, steps, height, width, channels]`; height, width and channels
        are static, and there is a step at least.
      kernel: float32 `[rows, columns, channels, 4 * filters]`; input gate, forget gate,
        candidate, output gate.
      recurrent: float32 `[rows, columns, filters, 4 * filters]`.
      bias: float32 `[4 * filters]`.
      states: hidden state and carry to start from, float32 `[b, height, width, filters]`
        each; None for zeros.
      activation: of candidate and carry, one of `ACTIVATIONS`.
      all_steps: whether to give back the hidden states of all steps, or the last one.
      pool: rows and columns of the windows of the hidden states to take the greatest value
        of; at most the height and width.
      keep: whether to keep what the gradient needs, about `6 * filters` values for each
        pixel of each step; without it, the gradient computes it again.

    Returns:
      float32 hidden states, pooled, `[b, steps, height // pool[0], width // pool[1],
      filters]` or without the steps, and the last carry, `[b, height, width, filters]`.
    """
    none = tf.zeros((0, 0, 0, 0))
    hidden, carry, _, _ = library.load().ops.dotmotion_conv_lstm(
        sequences,
        kernel,
        recurrent,
        bias,
        *((none, none) if states is None else states),
        activation=ACTIVATIONS.index(activation),
        all_steps=int(all_steps),
        pool_rows=pool[0],
        pool_columns=pool[1],
        keep=int(keep),
        threads=tf.config.threading.get_intra_op_parallelism_threads(),
    )
    batch, steps, height, width, _ = sequences.shape
    filters = recurrent.shape[2]
    carry.set_shape((batch, height, width, filters))
    pooled = (height // pool[0], width // pool[1], filters)
    hidden.set_shape((batch, steps, *pooled) if all_steps else (batch, *pooled))
    return hidden, carry


@tf.RegisterGradient("DotmotionConvLstm")
def _gradient(op: Any, of_hidden: Any, of_carry: Any, *_: Any) -> list[tf.Tensor]:
    ops = library.load().ops
    sequences, kernel, recurrent, bias, first_hidden, first_carry = op.inputs
    _, _, kept, places = op.outputs
    attributes = {name: op.get_attr(name) for name in _ATTRIBUTES}
    if not attributes["keep"]:
        attributes["keep"] = 1
        _, _, kept, places = ops.dotmotion_conv_lstm(*op.inputs, **attributes)
    of_sequences, of_kernel, of_recurrent, of_bias, *of_states = (
        ops.dotmotion_conv_lstm_gradient(
            sequences,
            kernel,
            recurrent,
            first_hidden,
            first_carry,
            kept,
            of_hidden,
            of_carry,
            places,
            bias,
            **attributes,
        )
    )
    gradients = [of_sequences, of_kernel, of_recurrent, of_bias, *of_states]
    for gradient, given in zip(gradients, op.inputs, strict=True):
        gradient.set_shape(given.shape)
    return gradients


@tf.RegisterGradient("DotmotionConvLstmGradient")
def _second_gradient(op: Any, *given: tf.Tensor) -> list[tf.Tensor | None]:
    sequences, kernel, recurrent, *states, _, of_hidden, of_carry, _, bias = op.inputs
    stateless = states[0].shape[0] == 0
    inputs = [sequences, kernel, recurrent, bias, *([] if stateless else states)]
    with tf.GradientTape() as second:
        second.watch((inputs, of_hidden, of_carry))
        with tf.GradientTape() as first:
            first.watch(inputs)
            outputs = reference.conv_lstm(
                sequences,
                kernel,
                recurrent,
                bias,
                None if stateless else (states[0], states[1]),
                activation=ACTIVATIONS[op.get_attr("activation")],
                all_steps=bool(op.get_attr("all_steps")),
                pool=(op.get_attr("pool_rows"), op.get_attr("pool_columns")),
            )
        found = first.gradient(outputs, inputs, (of_hidden, of_carry))
    of_inputs, of_of_hidden, of_of_carry = second.gradient(
        found, (inputs, of_hidden, of_carry), list(given[: len(inputs)])
    )
    of_sequences, of_kernel, of_recurrent, of_bias, *of_states = of_inputs
    of_states = of_states or [None, None]
    rest = [of_of_hidden, of_of_carry, None, of_bias]
    return [of_sequences, of_kernel, of_recurrent, *of_states, None, *rest]
