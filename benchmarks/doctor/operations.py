"""Names of the runtime's datasets by what they do, where several do the same."""

MAPS = ("MapDataset", "ParallelMapDatasetV2")
FILTERS = ("FilterDataset", "ParallelFilterDataset")
# Of elements that have the same shapes.
BATCHES = ("BatchDatasetV2", "ParallelBatchDataset")
CACHES = ("CacheDataset", "CacheDatasetV2")
SHUFFLES = ("ShuffleDataset", "ShuffleDatasetV2", "ShuffleDatasetV3")
