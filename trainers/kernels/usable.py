"""Whether a computation can be given to the kernels."""

from __future__ import annotations

import tensorflow as tf
from tensorflow.python.ops import control_flow_util

from trainers import processor
from trainers.kernels import library


def is_usable(*tensors: tf.Tensor) -> bool:
    """Whether the kernels are there and can take these tensors here.

    They take float32 on a CPU. XLA can't compile them: where it compiles what is around
    (`jit_compile=True`), they are not used.
    """
    return (
        all(tensor.dtype == tf.float32 for tensor in tensors)
        and not processor.has_gpu()
        and not _is_inside_xla()
        and library.load().ops is not None
    )


def _is_inside_xla() -> bool:
    if tf.executing_eagerly():
        return False
    graph = tf.compat.v1.get_default_graph()
    return control_flow_util.GraphOrParentsInXlaContext(graph)
