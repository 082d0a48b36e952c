"""Models that begin with what prepares their features: text, categories, numbers; and a large table."""

import keras
import numpy as np
import tf_keras

from zoo import FULL, SAMPLE, model
from zoo.golden import Golden, fill
from zoo.vision import write

SENTENCES = [
    "the red fish swims",
    "a blue bird sings",
    "green frogs jump far",
    "the bird eats the fish",
    "red frogs and blue fish",
    "nobody knows the word quux",
]


def text_vectorization(directory, library, seed):
    """Strings in: split, looked up in a vocabulary that is an asset, averaged word vectors."""
    layers = library.layers
    vectorize = layers.TextVectorization(output_sequence_length=5, name="split")
    vectorize.adapt(SENTENCES[:5])
    net = library.Sequential(
        [
            library.Input((), dtype="string", name="text"),
            vectorize,
            layers.Embedding(24, 6, name="words"),
            layers.GlobalAveragePooling1D(name="average"),
            layers.Dense(3, activation="softmax", name="head"),
        ],
        name="text",
    )
    fill(net.trainable_variables, seed)
    write(net, directory)
    rng = np.random.default_rng(seed + 100)
    return Golden(
        inputs={"text": np.array(SENTENCES)},
        labels=rng.integers(0, 3, len(SENTENCES)).astype("int32"),
        loss="sparse_categorical_crossentropy",
    )


@model(SAMPLE)
def keras3_text(directory):
    return text_vectorization(directory, keras, 81)


@model(FULL)
def tfkeras_text(directory):
    return text_vectorization(directory, tf_keras, 82)


def tabular(directory, library, seed):
    """A row of a table: numbers are normalised, a name is looked up, a category becomes one-hot."""
    layers = library.layers
    rng = np.random.default_rng(seed + 100)
    numbers = rng.normal(50, 20, (8, 3)).astype("float32")
    cities = np.array(["Bern", "Oslo", "Rome", "Bern", "Rome", "Lima", "Oslo", "Quito"])
    grades = rng.integers(0, 4, 8)

    normalize = layers.Normalization(name="normalize")
    normalize.adapt(numbers)
    lookup = layers.StringLookup(vocabulary=["Bern", "Oslo", "Rome"], name="lookup")
    encode = layers.CategoryEncoding(num_tokens=4, output_mode="one_hot", name="encode")
    number = library.Input((3,), name="numbers")
    city = library.Input((1,), dtype="string", name="city")
    grade = library.Input((1,), dtype="int64", name="grade")
    place = layers.Flatten(name="flat")(layers.Embedding(4, 2, name="places")(lookup(city)))
    joined = layers.Concatenate(name="join")([normalize(number), place, encode(grade)])
    hidden = layers.Dense(6, activation="relu", name="hidden")(joined)
    net = library.Model(
        {"numbers": number, "city": city, "grade": grade},
        layers.Dense(1, name="price")(hidden),
        name="tabular",
    )
    fill(net.trainable_variables, seed)
    write(net, directory)
    return Golden(
        inputs={
            "numbers": numbers,
            "city": cities[:, None],
            "grade": grades[:, None].astype("int64"),
        },
        labels=rng.normal(0, 1, (8, 1)).astype("float32"),
        loss="mse",
        learning_rate=0.02,
    )


@model(SAMPLE)
def keras3_tabular(directory):
    return tabular(directory, keras, 83)


@model(FULL)
def tfkeras_tabular(directory):
    return tabular(directory, tf_keras, 84)


def large_embedding(directory, library, seed):
    """A table of 72 MB, of which a batch reads a few rows."""
    layers = library.layers
    net = library.Sequential(
        [
            library.Input((4,), dtype="int32", name="tokens"),
            layers.Embedding(280_000, 64, name="words"),
            layers.GlobalAveragePooling1D(name="average"),
            layers.Dense(2, name="head"),
        ],
        name="large",
    )
    rng = np.random.default_rng(seed)
    table, kernel, bias = net.weights
    table.assign(rng.standard_normal((280_000, 64), dtype="float32"))
    fill([kernel, bias], seed)
    write(net, directory)
    tokens = rng.integers(0, 280_000, (6, 4))
    tokens[0] = [0, 1, 0, 279_999]
    return Golden(
        inputs={"tokens": tokens.astype("int32")},
        labels=rng.integers(0, 2, 6).astype("int32"),
        loss="sparse_categorical_crossentropy",
        from_logits=True,
    )


@model(FULL)
def keras3_large_embedding(directory):
    return large_embedding(directory, keras, 85)


@model(FULL)
def tfkeras_large_embedding(directory):
    return large_embedding(directory, tf_keras, 86)
