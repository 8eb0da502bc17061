import copy
import fnmatch
import hashlib
import re

import mlcroissant
import numpy as np
import pytest
import tensorflow_datasets as tfds

from dotmotion_tfds import CLASS_NAMES, SpecError
from dotmotion_tfds.files import croissant_metadata
from dotmotion_tfds.moving_dot.moving_dot_dataset_builder import Builder

TFRECORD = "https://www.tensorflow.org/tutorials/load_data/tfrecord"
ARRAY_RECORD = "https://github.com/google/array_record"


@pytest.fixture(
    scope="module", params=[("tfrecord", TFRECORD), ("array_record", ARRAY_RECORD)]
)
def built(request, tmp_path_factory):
    """A dataset of two shards a split, its document, and its files' encoding format."""
    file_format, encoding_format = request.param
    data_dir = tmp_path_factory.mktemp("built")
    builder = Builder(config="notebook", data_dir=data_dir, file_format=file_format)
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(num_shards=2))
    folder = data_dir / "moving_dot" / "notebook" / "1.0.0"
    # As the program reads it.
    info = tfds.builder_from_directory(folder).info
    return folder, croissant_metadata.describe(info), encoding_format


def load(document):
    # It writes into the document that it is given.
    return mlcroissant.Dataset(copy.deepcopy(document))


def record_set(document, name):
    (found,) = (one for one in document["recordSet"] if one["@id"] == name)
    return found


def fields(document):
    return {field["@id"]: field for field in record_set(document, "clips")["field"]}


def test_the_dataset_is_described(built):
    _, document, _ = built
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert document["name"] == "moving_dot-notebook"
    assert document["version"] == "1.0.0"
    assert document["license"] == "https://spdx.org/licenses/Apache-2.0.html"
    assert document["citeAs"].startswith("@misc{dotmotion")
    assert "stays, rises, falls or follows a sine" in document["description"]
    assert "What the notebook's code does" in document["description"]
    assert {"video", "notebook"} < set(document["keywords"])
    assert "datePublished" in document
    assert "url" not in document


def test_every_file_has_its_bytes_described(built):
    folder, document, encoding_format = built
    files = [one for one in document["distribution"] if one["@type"] == "cr:FileObject"]
    assert {one["@id"] for one in files} == {path.name for path in folder.iterdir()}
    for one in files:
        content = (folder / one["contentUrl"]).read_bytes()
        assert one["sha256"] == hashlib.sha256(content).hexdigest()
        assert one["contentSize"] == f"{len(content)} B"
    shards = {one["@id"] for one in files if one["encodingFormat"] == encoding_format}
    (file_set,) = (one for one in document["distribution"] if one["@type"] == "cr:FileSet")
    assert file_set["encodingFormat"] == encoding_format
    assert len(shards) == 4
    assert shards == {
        path.name
        for path in folder.iterdir()
        if fnmatch.fnmatch(path.name, file_set["includes"])
    }


def test_every_feature_has_a_field(built):
    _, document, _ = built
    found = {
        name: (field["dataType"], field.get("arrayShape"), field.get("isArray"))
        for name, field in fields(document).items()
    }
    assert found == {
        "clips/split": ("sc:Text", None, None),
        "clips/centers": ("cr:Int32", "20,2", True),
        "clips/index": ("cr:Int64", None, None),
        "clips/label": (["cr:Int64", "cr:Label"], None, None),
        "clips/video": ("cr:UInt8", "20,50,130,1", True),
    }
    assert all(field["description"] for field in fields(document).values())
    references = fields(document)["clips/label"]["references"]
    assert references == {"field": {"@id": "classes/label"}}
    columns = {
        name: field["source"]["extract"].get("column")
        for name, field in fields(document).items()
    }
    assert columns["clips/video"] == "video"
    assert record_set(document, "clips")["key"] == [
        {"@id": "clips/split"},
        {"@id": "clips/index"},
    ]


def test_mlcroissant_reads_the_records_that_the_document_holds(built):
    _, document, _ = built
    dataset = load(document)
    assert list(dataset.records("classes")) == [
        {"classes/label": label, "classes/name": name}
        for label, name in enumerate(CLASS_NAMES)
    ]
    assert list(dataset.records("splits")) == [
        {"splits/name": "train", "splits/url": "cr:TrainingSplit"},
        {"splits/name": "test", "splits/url": "cr:TestSplit"},
    ]
    (clips,) = (one for one in dataset.metadata.record_sets if one.id == "clips")
    (video,) = (field for field in clips.fields if field.id == "clips/video")
    assert video.array_shape_tuple == (20, 50, 130, 1)
    assert video.data_type is np.uint8


def test_the_split_is_in_the_names_of_the_shards(built):
    folder, document, _ = built
    transform = fields(document)["clips/split"]["source"]["transform"]
    for split in ("train", "test"):
        for path in folder.glob(f"moving_dot-{split}.*"):
            assert re.match(transform["regex"], path.name)[1] == split


def test_a_document_does_not_depend_on_the_order_in_which_features_are_read(built):
    folder, document, _ = built
    info = tfds.builder_from_directory(folder).info
    features = info.features._feature_dict
    for name in sorted(features, reverse=True):
        features[name] = features.pop(name)
    assert list(info.features) == ["video", "label", "index", "centers"]
    assert croissant_metadata.describe(info) == document


def test_a_page_is_named_if_there_is_one(built):
    folder, _, _ = built
    info = tfds.builder_from_directory(folder).info
    url = "https://example.org/dots"
    assert croissant_metadata.describe(info, url=url)["url"] == url


VIDEO = {"video": tfds.features.Video(shape=(None, 4, 6, 3), doc="Colours.")}
OTHERS = {
    "caption": tfds.features.Text(),
    "speed": tfds.features.Scalar(np.float32),
    "late": tfds.features.Scalar(np.bool_),
}
EXAMPLE = {
    "label": 1,
    "video": np.zeros((2, 4, 6, 3), np.uint8),
    "caption": "a dot",
    "speed": 0.5,
    "late": True,
    "dot": {"size": 6},
}


def describe_other(tmp_path, features, splits=("train",)):
    """The document of a dataset with other features than those of today's configs."""
    features = {"label": tfds.features.ClassLabel(names=["a", "b"]), **features}
    example = {name: EXAMPLE[name] for name in features}
    builder = tfds.dataset_builders.store_as_tfds_dataset(
        name="moving_dot",
        version="1.0.0",
        config="other",
        features=tfds.features.FeaturesDict(features),
        split_datasets={split: [(0, example)] for split in splits},
        data_dir=tmp_path,
        homepage="https://example.org/page",
    )
    return croissant_metadata.describe(tfds.builder_from_directory(builder.data_path).info)


def test_a_dataset_with_encoded_frames_in_colour(tmp_path):
    document = describe_other(tmp_path, VIDEO)
    field = fields(document)["clips/video"]
    assert (field["dataType"], field["arrayShape"]) == ("cr:UInt8", "-1,4,6,3")
    assert field["description"] == "Colours."
    assert document["url"] == "https://example.org/page"
    assert load(document).metadata.name == "moving_dot-other"


def test_a_dataset_without_frames(tmp_path):
    document = describe_other(tmp_path, OTHERS)
    found = {name: field["dataType"] for name, field in fields(document).items()}
    assert found == {
        "clips/split": "sc:Text",
        "clips/caption": "sc:Text",
        "clips/label": ["cr:Int64", "cr:Label"],
        "clips/late": "sc:Boolean",
        "clips/speed": "cr:Float32",
    }
    assert "key" not in record_set(document, "clips")
    classes = list(load(document).records("classes"))
    assert [one["classes/name"] for one in classes] == ["a", "b"]


def test_what_there_is_no_description_for(tmp_path):
    with pytest.raises(SpecError, match=r"split 'valid': expected train or test"):
        describe_other(tmp_path / "split", {}, splits=("train", "valid"))
    with pytest.raises(SpecError, match=r"feature 'dot' has type dict: expected bool, "):
        describe_other(tmp_path, {"dot": {"size": tfds.features.Scalar(np.int32)}})
