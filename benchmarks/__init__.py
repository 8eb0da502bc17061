"""Measurements of the models and of the ways to feed them; so far without a program."""
