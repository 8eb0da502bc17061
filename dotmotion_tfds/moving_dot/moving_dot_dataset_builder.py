"""The TFDS builder of `moving_dot`: clips stored in index order."""

from __future__ import annotations

import os
import sys
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core import dataset_builder, dataset_info, splits
from tensorflow_datasets.core.utils import tqdm_utils

from dotmotion_tfds import configs, usage_errors
from dotmotion_tfds.files import build_claim, clip_features, shard_files
from dotmotion_tfds.spec import CLASS_NAMES, SPLITS, SpecError, either, require_integer

# Those that other programs of this package can read as well.
_FORMATS = {
    "tfrecord": tfds.core.FileFormat.TFRECORD,
    "array_record": tfds.core.FileFormat.ARRAY_RECORD,
}
_DESCRIPTION = (
    "Synthetic clips of one square dot that stays, rises, falls or follows a sine. "
    "Every clip is a pure function of its split and index."
)


class MovingDotConfig(tfds.core.BuilderConfig):
    """A configuration of the builder, named or with a geometry of its own.

    Args:
      named: the configuration; without it, one is made from `geometry`.
      **geometry: any attributes of `dotmotion_tfds.ClipSpec`, and `encoding`. This is
        what `tfds build --config='{...}'` passes.

    Raises:
      dotmotion_tfds.SpecError: if a key is unknown or a value is out of range.
    """

    def __init__(
        self, *, named: configs.NamedConfig | None = None, **geometry: Any
    ) -> None:
        self.named = named or configs.resolve_config(geometry)
        super().__init__(name=self.named.name, description=self.named.description)

    @property
    def spec(self) -> configs.ClipSpec:
        """What the clips look like."""
        return self.named.spec


class Builder(dataset_builder.FileReaderBuilder):
    """Builds the splits `train` and `test` of moving-dot clips.

    Records are made in whole batches and written as they are, which is more than ten
    times as fast as handing TFDS one clip at a time.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {
        "1.0.0": "First release: configs `standard`, `notebook`, `trajectories`, `large` "
        "and `hard`."
    }
    BUILDER_CONFIGS: ClassVar[list[MovingDotConfig]] = [
        MovingDotConfig(named=named) for named in configs.CONFIGS.values()
    ]
    DEFAULT_BUILDER_CONFIG_NAME = "standard"

    def __init__(
        self, *, config: Any = None, file_format: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(config=_known_config(config), **kwargs)
        self._asked_format = file_format
        self._require_format(file_format)
        self.info.set_file_format(file_format, override=not self.is_prepared())

    def _info(self) -> tfds.core.DatasetInfo:
        named = self.builder_config.named
        features = {
            "label": tfds.features.ClassLabel(
                names=list(CLASS_NAMES), doc="What the dot does."
            ),
            "centers": tfds.features.Tensor(
                shape=(named.spec.frames, 2),
                dtype=np.int32,
                doc="Row and column of the dot's centre in pixels from the top left; can "
                "lie outside the frame.",
            ),
            "index": tfds.features.Scalar(
                dtype=np.int64, doc="The clip's index in its split."
            ),
        }
        video = clip_features.video_feature(named)
        if video is not None:
            features = {"video": video, **features}
        return self.dataset_info_from_configs(
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=None if video is None else ("video", "label"),
            # Index order makes the n-th stored clip the n-th streamed one.
            disable_shuffling=True,
        )

    def download_and_prepare(
        self, *, download_config: Any = None, file_format: Any = None, **kwargs: Any
    ) -> None:
        """Builds the dataset, unless a complete one is there already.

        TFDS takes any directory of the right name for a finished dataset, also an empty
        one; here it has to be complete. Of processes that build the same dataset at once,
        one does and the others wait and take what it made.

        Raises:
          dotmotion_tfds.SpecError: if the directory exists and is not a complete
            dataset of the asked file format, or there is only one of a newer version.
            Nothing is changed then.
          BuildError: if the dataset can't be written. Nothing of it is left then.
        """
        self._require_format(file_format)
        overwrites = (
            download_config is not None and download_config.download_mode.overwrite_dataset
        )
        asked = file_format or self._asked_format
        if self.data_path.exists() and not overwrites:
            self._adopt(asked)
            super().download_and_prepare(download_config=download_config, **kwargs)
            return
        self._refuse_to_go_back()
        try:
            with build_claim.claimed(self.data_path):
                if self.data_path.exists() and not overwrites:
                    build_claim.say(f"another process has built {self.data_path}: using it")
                    self._adopt(asked)
                    return
                super().download_and_prepare(
                    download_config=download_config, file_format=file_format, **kwargs
                )
        except OSError as error:
            raise build_claim.BuildError(
                f"{self.data_path} can't be built, and nothing of it is left: {error}; "
                "make room, or name a place that can be written with --data_dir"
            ) from error

    def _download_and_prepare(self, dl_manager: Any, download_config: Any) -> None:
        del dl_manager  # Nothing is downloaded.
        limit = download_config.max_examples_per_split
        if limit is not None:
            require_integer("max_examples_per_split", limit, 0, 1 << 62)
        if limit == 0:
            return
        # Building needs all of TensorFlow, and describing the dataset does not.
        from dotmotion_tfds.files import shards

        named = self.builder_config.named
        planned = []
        templates = {}
        for split in SPLITS:
            size = named.split_size(split)
            if limit is not None:
                size = min(size, limit)
            templates[split] = self._get_filename_template(split_name=split)
            planned += shards.plan(
                named,
                split,
                num_clips=size,
                file_format=self.info.file_format.value,
                template=templates[split],
                sizes=download_config.get_shard_config(),
            )
        if download_config.beam_options is None and download_config.beam_runner is None:
            num_bytes = _write_here(planned)
        else:
            from dotmotion_tfds.files import beam_build

            num_bytes = beam_build.write_all(
                planned,
                runner=download_config.beam_runner,
                options=download_config.beam_options,
                results=self.data_path / "written.json",
            )
        infos = []
        for split, template in templates.items():
            of_split = [
                (shard, length)
                for shard, length in zip(planned, num_bytes, strict=True)
                if shard.split == split
            ]
            infos.append(
                splits.SplitInfo(
                    name=split,
                    shard_lengths=[shard.stop - shard.first for shard, _ in of_split],
                    num_bytes=sum(length for _, length in of_split),
                    filename_template=template,
                )
            )
        self.info.set_splits(splits.SplitDict(infos))

    def _adopt(self, file_format: Any) -> None:
        """Takes the dataset that is there, which may be younger than this builder."""
        if not self.info.splits and self.is_prepared():
            stored = dataset_info.read_proto_from_builder_dir(self.data_path).file_format
            self.info.set_file_format(stored or None, override=True)
            self.info.read_from_directory(self.data_path)
        self._require_format(file_format)
        shard_files.require_complete(self)

    def _require_format(self, file_format: Any) -> None:
        if file_format is None:
            return
        if file_format not in (*_FORMATS, *_FORMATS.values()):
            raise SpecError(
                f"unknown file format {getattr(file_format, 'value', file_format)!r}: "
                f"expected {either(_FORMATS)}"
            )
        if not self.is_prepared() or not self.info.splits:
            return
        asked = tfds.core.FileFormat.from_value(file_format)
        if asked is not self.info.file_format:
            raise SpecError(
                f"{self.data_path} is stored as {self.info.file_format.value}, not "
                f"{asked.value}: delete the directory to build it afresh, or name another "
                "with --data_dir"
            )

    def _refuse_to_go_back(self) -> None:
        """Does not build an old version next to a newer one, which readers would miss."""
        siblings = self.data_path.parent
        found = siblings.iterdir() if siblings.exists() else ()
        newer = [
            path.name
            for path in found
            if tfds.core.Version.is_valid(path.name)
            and tfds.core.Version(path.name) > self.version
        ]
        if newer:
            raise SpecError(
                f"{siblings} holds version {max(newer, key=tfds.core.Version)}, newer than "
                f"version {self.version} of this code: update dotmotion to read it, or "
                "name another --data_dir"
            )


def _write_here(planned: list[Any]) -> list[int]:
    from dotmotion_tfds.files import shards

    num_bytes = []
    with tqdm_utils.tqdm(
        total=sum(shard.stop - shard.first for shard in planned),
        desc="Generating clips",
        unit=" clips",
        leave=False,
    ) as bar:
        for shard in planned:
            bar.set_postfix_str(os.path.basename(shard.path), refresh=False)
            num_bytes.append(shards.write(shard, bar.update))
    return num_bytes


def _known_config(config: Any) -> Any:
    """What to hand to TFDS: a registered name, or an object with a name of its own."""
    if config is None:
        return None
    # TFDS also takes "name:version".
    if isinstance(config, str) and config.partition(":")[0] in configs.CONFIGS:
        return config
    if not isinstance(config, MovingDotConfig):
        config = MovingDotConfig(named=configs.resolve_config(config))
    registered = configs.CONFIGS.get(config.name)
    if registered is None:
        return config
    if registered != config.named:
        raise SpecError(
            f"{config.name!r} is the name of another config: give yours a name of its own"
        )
    return config.name


usage_errors.print_as_one_line_in_tfds_command(sys.argv)
