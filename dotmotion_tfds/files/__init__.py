"""Clips in files: records, shards and builds, and what checks and describes them."""
