"""Trainers for two video classifiers under `tf.distribute`."""
