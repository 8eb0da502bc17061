import importlib.util

import pytest

from benchmarks import batch_turns, peer_loaders


@pytest.mark.parametrize("name", ["Grain", "Grain, batches", "Grain, ArrayRecord, zlib"])
def test_grain_gives_the_clips(name, tmp_path, monkeypatch):
    monkeypatch.setattr(batch_turns, "_wait_until_idle", lambda: None)
    place = batch_turns.Place(4, 16, tmp_path)
    peer = peer_loaders.PEERS[name]
    turn = batch_turns.turn_of(
        lambda: peer.make(place, 2), peer.expected(place), seconds=0.05
    )
    assert turn().count == 4


@pytest.mark.parametrize("name", peer_loaders.PEERS)
def test_every_peer_names_what_it_needs_and_what_to_try(name):
    peer = peer_loaders.PEERS[name]
    assert peer.workers
    assert importlib.util.find_spec(peer.package.partition(".")[0]) or peer.package in (
        "torch",
        "webdataset",
        "streaming",
        "nvidia.dali",
    )
