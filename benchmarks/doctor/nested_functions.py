"""Functions of a serialised pipeline as TensorFlow has those that it has traced itself.

`tf.graph_util.import_graph_def` adds functions that `tf.vectorized_map` can't look into, so
that it can convert no branch, no loop and no call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tensorflow.core.framework import function_pb2
from tensorflow.core.function.polymorphism import function_type
from tensorflow.python.eager.polymorphic_function import concrete_function
from tensorflow.python.saved_model import function_deserialization


def reached(known: Mapping[str, Any], name: str) -> Any:
    """A library with copies of a function's definition and of all that it calls.

    Args:
      known: definitions by name.
      name: of the function, which comes first.
    """
    library = function_pb2.FunctionDefLibrary()
    unseen, seen = [name], set()
    while unseen:
        found = unseen.pop()
        if found in seen:
            continue
        seen.add(found)
        function = library.function.add()
        function.CopyFrom(known[found])
        for node in function.node_def:
            # Nothing is differentiated, and a gradient that is not there would be missed.
            node.attr.pop("_gradient_op_type", None)
            called = [node.op]
            for value in node.attr.values():
                called += [each.name for each in (value.func, *value.list.func)]
            unseen += [each for each in called if each in known]
    return library


def load(library: Any) -> dict[str, Any]:
    """Makes all functions of a library.

    Args:
      library: of `reached`; names of functions in it are changed in place to those that
        the functions get.

    Returns:
      The functions by the name they had.
    """
    loaded: dict[str, Any] = function_deserialization.load_function_def_library(
        library, load_shared_name_suffix="", wrapper_function=_with_outputs
    )
    return loaded


def _with_outputs(function: Any) -> Any:
    """The function with the types of what it gives, which loading leaves out."""
    graph = function.graph
    specs = [tf.TensorSpec(each.shape, each.dtype) for each in graph.outputs]
    graph.structured_outputs = graph.outputs
    return concrete_function.ConcreteFunction.from_func_graph(
        graph,
        function_type.from_structured_signature(
            graph.structured_input_signature, specs, graph.function_captures.capture_types
        ),
        attrs={},
    )
