"""Throughput of the models and of every way to feed them."""
