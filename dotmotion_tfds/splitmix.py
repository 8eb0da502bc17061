"""SplitMix64 as a counter-based hash: any draw of any clip, in any order.

Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
OOPSLA 2014. A SplitMix64 generator seeded with `s` returns as its n-th output
(n = 0, 1, ...) `mix64(s + (n + 1) * GAMMA)`, so output n needs none of those before
it. That is all a clip needs: about eight element-wise 64-bit operations a draw.
"""

from __future__ import annotations

from typing import Any

from dotmotion_tfds.arrays import Arrays

GAMMA = 0x9E3779B97F4A7C15
_MULTIPLIER_1 = 0xBF58476D1CE4E5B9
_MULTIPLIER_2 = 0x94D049BB133111EB
_MASK = (1 << 64) - 1


def mix64_int(value: int) -> int:
    """The SplitMix64 finaliser of one Python integer, modulo 2**64."""
    value &= _MASK
    value = ((value ^ (value >> 30)) * _MULTIPLIER_1) & _MASK
    value = ((value ^ (value >> 27)) * _MULTIPLIER_2) & _MASK
    return value ^ (value >> 31)


def stream_key(seed: int, *domains: str) -> int:
    """A 64-bit key for one seed and a path of names, such as a split.

    Args:
      seed: any integer in [0, 2**63).
      *domains: ASCII names; other names, or the same in another order, give an
        unrelated key.

    Returns:
      An integer in [0, 2**64).
    """
    key = mix64_int(seed + GAMMA)
    for domain in domains:
        for byte in domain.encode("ascii"):
            key = mix64_int(key + (byte + 1) * GAMMA)
        key = mix64_int(key + 257 * GAMMA)
    return key


def mix64(xp: Arrays, value: Any) -> Any:
    """The SplitMix64 finaliser, element by element, of a uint64 array or tensor."""
    value = xp.xor(value, xp.shift_right(value, 30)) * xp.uint64(_MULTIPLIER_1)
    value = xp.xor(value, xp.shift_right(value, 27)) * xp.uint64(_MULTIPLIER_2)
    return xp.xor(value, xp.shift_right(value, 31))


def draws(xp: Arrays, key: Any, counter: Any) -> Any:
    """Output number `counter` of the generators seeded with `key`.

    Args:
      xp: the array operations to use.
      key: uint64 array or tensor.
      counter: uint64 array or tensor that broadcasts against `key`.

    Returns:
      uint64 values, uniform over [0, 2**64).
    """
    return mix64(xp, key + (counter + xp.uint64(1)) * xp.uint64(GAMMA))
