"""Small Keras models: dense layers, a little convolution, heads of several kinds, precisions."""

import keras
import numpy as np
import tf_keras

from zoo import COMMITTED, FULL, SAMPLE, model
from zoo.golden import Golden, fill, images


@model(COMMITTED)
def keras3_cnn(directory):
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="stem"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.MaxPooling2D(name="pool"),
            keras.layers.Conv2D(6, 3, activation="relu", name="body"),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dropout(0.3, name="drop"),
            keras.layers.Dense(3, activation="softmax", name="head"),
        ],
        name="cnn",
    )
    fill(model.weights, 1)
    model.export(directory, verbose=False)
    rng = np.random.default_rng(101)
    return Golden(
        inputs={"image": images(rng, 6)},
        labels=rng.integers(0, 3, 6).astype("int32"),
        loss="sparse_categorical_crossentropy",
    )


@model(COMMITTED)
def keras3_mlp(directory):
    model = keras.Sequential(
        [
            keras.Input((5,), name="features"),
            keras.layers.Dense(8, activation="tanh", name="hidden"),
            keras.layers.LayerNormalization(name="norm"),
            keras.layers.Dense(2, name="target"),
        ],
        name="mlp",
    )
    fill(model.weights, 2)
    model.export(directory, verbose=False)
    rng = np.random.default_rng(102)
    return Golden(
        inputs={"features": rng.normal(0, 1, (7, 5)).astype("float32")},
        labels=rng.normal(0, 1, (7, 2)).astype("float32"),
        loss="mse",
    )


@model(COMMITTED)
def keras3_frozen(directory):
    body = keras.layers.Dense(6, activation="relu", name="body")
    norm = keras.layers.BatchNormalization(name="norm")
    model = keras.Sequential(
        [
            keras.Input((4,), name="features"),
            body,
            norm,
            keras.layers.Dense(3, name="head"),
        ],
        name="frozen",
    )
    fill(model.weights, 3)
    body.trainable = False
    model.export(directory, verbose=False)
    rng = np.random.default_rng(103)
    return Golden(
        inputs={"features": rng.normal(0, 1, (6, 4)).astype("float32")},
        labels=rng.integers(0, 3, 6).astype("int64"),
        loss="sparse_categorical_crossentropy",
        from_logits=True,
    )


@model(COMMITTED)
def keras3_embedding(directory):
    model = keras.Sequential(
        [
            keras.Input((6,), dtype="int32", name="tokens"),
            keras.layers.Embedding(12, 4, name="words"),
            keras.layers.GlobalAveragePooling1D(name="average"),
            keras.layers.Dense(3, activation="softmax", name="head"),
        ],
        name="embedding",
    )
    fill(model.weights, 4)
    model.export(directory, verbose=False)
    rng = np.random.default_rng(104)
    labels = rng.integers(0, 3, 5)
    return Golden(
        # Words 10 and 11 never occur: their rows must not move.
        inputs={"tokens": rng.integers(0, 10, (5, 6)).astype("int32")},
        labels=np.eye(3, dtype="float32")[labels],
        loss="categorical_crossentropy",
    )


@model(COMMITTED)
def tfkeras_embedding(directory):
    model = tf_keras.Sequential(
        [
            tf_keras.Input((6,), dtype="int64", name="tokens"),
            tf_keras.layers.Embedding(12, 4, name="words"),
            tf_keras.layers.GlobalAveragePooling1D(name="average"),
            tf_keras.layers.Dense(3, activation="softmax", name="head"),
        ],
        name="embedding",
    )
    fill(model.weights, 14)
    model.save(directory, save_format="tf")
    rng = np.random.default_rng(114)
    labels = rng.integers(0, 3, 5)
    return Golden(
        # Words 10 and 11 never occur: their rows must not move.
        inputs={"tokens": rng.integers(0, 10, (5, 6)).astype("int64")},
        labels=np.eye(3, dtype="float32")[labels],
        loss="categorical_crossentropy",
    )


@model(COMMITTED)
def tfkeras_cnn(directory):
    model = tf_keras.Sequential(
        [
            tf_keras.Input((8, 8, 1), name="image"),
            tf_keras.layers.Conv2D(4, 3, activation="relu", name="stem"),
            tf_keras.layers.BatchNormalization(name="norm"),
            tf_keras.layers.AveragePooling2D(name="pool"),
            tf_keras.layers.Flatten(name="flat"),
            tf_keras.layers.Dropout(0.3, name="drop"),
            tf_keras.layers.Dense(1, activation="sigmoid", name="head"),
        ],
        name="cnn",
    )
    fill(model.weights, 5)
    model.save(directory, save_format="tf")
    rng = np.random.default_rng(105)
    return Golden(
        inputs={"image": images(rng, 6)},
        labels=rng.integers(0, 2, (6, 1)).astype("float32"),
        loss="binary_crossentropy",
    )


@model(COMMITTED)
def multi_io(directory):
    left = keras.Input((3,), name="left")
    right = keras.Input((4,), name="right")
    joined = keras.layers.Concatenate(name="join")(
        [keras.layers.Dense(5, activation="relu", name="wide")(left), right]
    )
    kind = keras.layers.Dense(3, activation="softmax", name="kind")(joined)
    size = keras.layers.Dense(1, name="size")(joined)
    model = keras.Model({"left": left, "right": right}, {"kind": kind, "size": size}, name="two")
    fill(model.weights, 9)
    model.export(directory, verbose=False)
    rng = np.random.default_rng(109)
    return Golden(
        inputs={
            "left": rng.normal(0, 1, (6, 3)).astype("float32"),
            "right": rng.normal(0, 1, (6, 4)).astype("float32"),
        },
        labels={
            "kind": rng.integers(0, 3, 6).astype("int32"),
            "size": rng.normal(0, 1, (6, 1)).astype("float32"),
        },
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
    )


@model(FULL)
def tfkeras_frozen(directory):
    body = tf_keras.layers.Dense(6, activation="relu", name="body")
    classifier = tf_keras.Sequential(
        [
            tf_keras.Input((4,), name="features"),
            body,
            tf_keras.layers.BatchNormalization(name="norm"),
            tf_keras.layers.Dense(3, name="head"),
        ],
        name="frozen",
    )
    fill(classifier.weights, 11)
    body.trainable = False
    classifier.save(directory, save_format="tf")
    rng = np.random.default_rng(111)
    return Golden(
        inputs={"features": rng.normal(0, 1, (6, 4)).astype("float32")},
        labels=rng.integers(0, 3, 6).astype("int64"),
        loss="sparse_categorical_crossentropy",
        from_logits=True,
    )


@model(SAMPLE)
def tfkeras_multi_io(directory):
    """Two inputs, a layer used twice, two outputs; regression with a loss that is not the square."""
    left = tf_keras.Input((3,), name="left")
    right = tf_keras.Input((3,), name="right")
    shared = tf_keras.layers.Dense(5, activation="softplus", name="shared")
    joined = tf_keras.layers.Add(name="join")([shared(left), shared(right)])
    kind = tf_keras.layers.Dense(1, activation="sigmoid", name="kind")(joined)
    size = tf_keras.layers.Dense(2, name="size")(joined)
    twins = tf_keras.Model([left, right], {"kind": kind, "size": size}, name="twins")
    fill(twins.weights, 12)
    twins.save(directory, save_format="tf")
    rng = np.random.default_rng(112)
    return Golden(
        inputs={
            "left": rng.normal(0, 1, (6, 3)).astype("float32"),
            "right": rng.normal(0, 1, (6, 3)).astype("float32"),
        },
        labels={
            "kind": rng.integers(0, 2, (6, 1)).astype("float32"),
            "size": rng.normal(0, 1, (6, 2)).astype("float32"),
        },
        loss={"kind": "binary_crossentropy", "size": "huber"},
    )


def mixed(directory, library, policy, seed):
    """Computes in half precision, keeps float32 variables and a float32 head, as Keras advises."""
    library.mixed_precision.set_global_policy(policy)
    try:
        net = library.Sequential(
            [
                library.Input((8, 8, 1), name="image"),
                library.layers.Conv2D(4, 3, activation="relu", name="stem"),
                library.layers.BatchNormalization(name="norm"),
                library.layers.Flatten(name="flat"),
                library.layers.Dense(8, activation="gelu", name="hidden"),
                library.layers.LayerNormalization(name="scale"),
                library.layers.Dense(3, dtype="float32", activation="softmax", name="head"),
            ],
            name="mixed",
        )
    finally:
        library.mixed_precision.set_global_policy("float32")
    fill(net.weights, seed)
    if library is keras:
        net.export(directory, verbose=False)
    else:
        net.save(directory, save_format="tf")
    rng = np.random.default_rng(seed + 100)
    return Golden(
        inputs={"image": images(rng, 6)},
        labels=rng.integers(0, 3, 6).astype("int32"),
        loss="sparse_categorical_crossentropy",
        tolerance=2e-2,
    )


@model(SAMPLE)
def keras3_bfloat16(directory):
    return mixed(directory, keras, "mixed_bfloat16", 13)


@model(FULL)
def keras3_float16(directory):
    return mixed(directory, keras, "mixed_float16", 14)


@model(FULL)
def tfkeras_float16(directory):
    return mixed(directory, tf_keras, "mixed_float16", 15)
