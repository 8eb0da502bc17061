"""Kernels in C++ for layers that TensorFlow has no fast ones for on a CPU."""
