"""What a built dataset is, in the vocabulary of Croissant 1.1.

Croissant is JSON-LD that describes a dataset, its files and the fields of its records:
https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
"""

from __future__ import annotations

import datetime
import hashlib
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import mlcroissant as mlc
import numpy as np
import tensorflow_datasets as tfds

from dotmotion_tfds.spec import SpecError

_CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
# Of the context of version 1.1, what `mlcroissant` leaves out unless it parses a file.
_CONTEXT_OF_1_1 = {
    "arrayShape": "cr:arrayShape",
    "containedIn": "cr:containedIn",
    "description": {"@container": "@language"},
    "isArray": "cr:isArray",
    "name": {"@container": "@language"},
}

_CREATOR = "The dotmotion authors"
_LICENSE = "https://spdx.org/licenses/Apache-2.0.html"
# A constant, so that equal files get equal documents: raise it with the dataset's version.
_PUBLISHED = datetime.datetime(2026, 11, 23)
_KEYWORDS = (
    "video classification",
    "video",
    "motion",
    "moving dot",
    "synthetic data",
    "TensorFlow Datasets",
)

# Neither format has a registered media type; Croissant asks for the page that defines it.
_RECORD_FORMATS = {
    tfds.core.FileFormat.TFRECORD: "https://www.tensorflow.org/tutorials/load_data/tfrecord",
    tfds.core.FileFormat.ARRAY_RECORD: "https://github.com/google/array_record",
}
_ROLES = {"train": "cr:TrainingSplit", "test": "cr:TestSplit"}
_DATA_TYPES = {
    "bool": mlc.DataType.BOOL,
    "float16": mlc.DataType.FLOAT16,
    "float32": mlc.DataType.FLOAT32,
    "float64": mlc.DataType.FLOAT64,
    "int8": mlc.DataType.INT8,
    "int16": mlc.DataType.INT16,
    "int32": mlc.DataType.INT32,
    "int64": mlc.DataType.INT64,
    "object": mlc.DataType.TEXT,
    "uint8": mlc.DataType.UINT8,
    "uint16": mlc.DataType.UINT16,
    "uint32": mlc.DataType.UINT32,
    "uint64": mlc.DataType.UINT64,
}
_ENUMERATION = "https://schema.org/Enumeration"
_LABEL = "http://mlcommons.org/croissant/Label"
_CHUNK_BYTES = 1 << 20


def describe(info: tfds.core.DatasetInfo, *, url: str | None = None) -> dict[str, Any]:
    """The Croissant document of a built dataset.

    It is a function of the dataset's files and of `url`. Files are named relative to the
    dataset's directory, which is where the document belongs.

    Args:
      info: of the dataset, whose files are complete.
      url: page of the dataset; by default the homepage that its builder names, if any.

    Returns:
      The document as JSON values: a FileObject with its SHA-256 for each file, a FileSet
      of the shards, and the RecordSets `classes` and `splits`, which hold their records,
      and `clips`, which has a field for each feature.

    Raises:
      SpecError: if the dataset is stored in a format, or holds a feature or a split, that
        there is no description for.
      OSError: if a file can't be read.
    """
    rdf = mlc.Rdf(context={**mlc.Rdf().context, **_CONTEXT_OF_1_1})
    ctx = mlc.Context(conforms_to=_CONFORMS_TO, rdf=rdf)
    if info.file_format not in _RECORD_FORMATS:
        raise SpecError(
            f"{info.data_dir} is stored as {info.file_format.value}: expected "
            f"{' or '.join(known.value for known in _RECORD_FORMATS)}"
        )
    homepages = info.as_proto.location.urls
    metadata = mlc.Metadata(
        ctx=ctx,
        name=f"{info.name}-{info.config_name}",
        description=(
            f"{info.description}\n\n"
            f"This is config `{info.config_name}`: {info.config_description}"
        ),
        url=url or (homepages[0] if homepages else None),
        license=[_LICENSE],
        cite_as=info.citation,
        creators=[mlc.Organization(ctx=ctx, name=_CREATOR)],
        date_published=_PUBLISHED,
        version=str(info.version),
        keywords=[*_KEYWORDS, info.config_name],
        distribution=[*_file_objects(ctx, info), _shards(ctx, info)],
        record_sets=[_classes(ctx, info), _splits(ctx, info), _clips(ctx, info)],
    )
    return metadata.to_json()


def sha256(path: pathlib.Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _file_objects(
    ctx: mlc.Context, info: tfds.core.DatasetInfo
) -> Iterator[mlc.FileObject]:
    folder = pathlib.Path(info.data_dir)
    described = [
        ("dataset_info.json", mlc.EncodingFormat.JSON, "What TFDS knows of the dataset."),
        ("features.json", mlc.EncodingFormat.JSON, "How TFDS encodes each feature."),
    ]
    for name, feature in sorted(info.features.items()):
        if isinstance(feature, tfds.features.ClassLabel):
            about = f"The class names of feature `{name}`, one a line, by label."
            described.append((f"{name}.labels.txt", mlc.EncodingFormat.TEXT, about))
    record_format = _RECORD_FORMATS[info.file_format]
    for split in info.splits.values():
        for name, length in zip(split.filenames, split.shard_lengths, strict=True):
            about = f"{length} clips of split `{split.name}`, in index order."
            described.append((name, record_format, about))
    for name, encoding_format, about in described:
        yield mlc.FileObject(
            ctx=ctx,
            id=name,
            name=name,
            description=about,
            content_url=name,
            content_size=f"{(folder / name).stat().st_size} B",
            encoding_formats=[encoding_format],
            sha256=sha256(folder / name),
        )


def _shards(ctx: mlc.Context, info: tfds.core.DatasetInfo) -> mlc.FileSet:
    return mlc.FileSet(
        ctx=ctx,
        id="shards",
        name="shards",
        description=(
            f"The {info.file_format.value} files of all splits; each record is a "
            "serialized tf.train.Example."
        ),
        encoding_formats=[_RECORD_FORMATS[info.file_format]],
        includes=[f"{info.name}-*.{info.file_format.value}-*-of-*"],
    )


def _classes(ctx: mlc.Context, info: tfds.core.DatasetInfo) -> mlc.RecordSet:
    return mlc.RecordSet(
        ctx=ctx,
        id="classes",
        name="classes",
        description="The classes of the clips.",
        data_types=[_ENUMERATION],
        key=["classes/label"],
        fields=[
            mlc.Field(
                ctx=ctx,
                id="classes/label",
                name="label",
                description="The number that stands for the class.",
                data_types=[mlc.DataType.INT64],
            ),
            mlc.Field(
                ctx=ctx,
                id="classes/name",
                name="name",
                description="What the dot does.",
                data_types=[mlc.DataType.TEXT],
            ),
        ],
        data=[
            {"classes/label": label, "classes/name": name}
            for label, name in enumerate(info.features["label"].names)
        ],
    )


def _splits(ctx: mlc.Context, info: tfds.core.DatasetInfo) -> mlc.RecordSet:
    for name in info.splits:
        if name not in _ROLES:
            raise SpecError(
                f"{info.data_dir} has a split {name!r}: expected {' or '.join(_ROLES)}"
            )
    return mlc.RecordSet(
        ctx=ctx,
        id="splits",
        name="splits",
        description="The splits of the clips.",
        data_types=[mlc.DataType.SPLIT],
        key=["splits/name"],
        fields=[
            mlc.Field(
                ctx=ctx,
                id="splits/name",
                name="name",
                description="The split's name.",
                data_types=[mlc.DataType.TEXT],
            ),
            mlc.Field(
                ctx=ctx,
                id="splits/url",
                name="url",
                description="What the split is for.",
                data_types=[mlc.DataType.URL],
            ),
        ],
        data=[{"splits/name": name, "splits/url": _ROLES[name]} for name in info.splits],
    )


def _clips(ctx: mlc.Context, info: tfds.core.DatasetInfo) -> mlc.RecordSet:
    # The index counts within a split.
    key = ["clips/split", "clips/index"] if "index" in info.features else None
    return mlc.RecordSet(
        ctx=ctx,
        id="clips",
        name="clips",
        description=(
            "One record a clip. Types and shapes are those of the decoded values, and "
            "columns are features of the tf.train.Example that each record of a shard "
            "is; features.json says how they are encoded. Croissant has no reader for "
            "these files: read them with tfds.builder_from_directory."
        ),
        key=key,
        fields=[
            _split_field(ctx, info),
            # The order in which TFDS reads them back differs between processes.
            *(_feature_field(ctx, info, name) for name in sorted(info.features)),
        ],
    )


def _split_field(ctx: mlc.Context, info: tfds.core.DatasetInfo) -> mlc.Field:
    names = "|".join(map(re.escape, info.splits))
    return mlc.Field(
        ctx=ctx,
        id="clips/split",
        name="split",
        description="The clip's split, from the name of its file.",
        data_types=[mlc.DataType.TEXT],
        references=mlc.Source(ctx=ctx, field="splits/name"),
        source=mlc.Source(
            ctx=ctx,
            file_set="shards",
            extract=mlc.Extract(ctx=ctx, file_property="filename"),
            transforms=[
                mlc.Transform(ctx=ctx, regex=rf"^{re.escape(info.name)}-({names})\..*$")
            ],
        ),
    )


def _feature_field(ctx: mlc.Context, info: tfds.core.DatasetInfo, name: str) -> mlc.Field:
    feature = info.features[name]
    nested = isinstance(feature.np_dtype, dict)
    type_name = "dict" if nested else np.dtype(feature.np_dtype).name
    if type_name not in _DATA_TYPES:
        raise SpecError(
            f"{info.data_dir}: feature {name!r} has type {type_name}: expected "
            f"{', '.join(_DATA_TYPES)}"
        )
    options: dict[str, Any] = {"data_types": [_DATA_TYPES[type_name]]}
    if isinstance(feature, tfds.features.ClassLabel):
        options["data_types"].append(_LABEL)
        options["references"] = mlc.Source(ctx=ctx, field="classes/label")
    if feature.shape:
        options["is_array"] = True
        # -1 stands for any length.
        options["array_shape"] = ",".join(
            str(-1 if length is None else length) for length in feature.shape
        )
    return mlc.Field(
        ctx=ctx,
        id=f"clips/{name}",
        name=name,
        description=feature.doc.desc or None,
        source=mlc.Source(
            ctx=ctx,
            file_set="shards",
            extract=mlc.Extract(ctx=ctx, column=name),
        ),
        **options,
    )
