"""Measurements that can be believed; `measure` says by which protocol."""
