"""Makes the SavedModels that the inliner's tests use: one for each kind of thing it has to replace.

    python make_graphs.py DIRECTORY [NAME ...]

Each model is written to DIRECTORY/NAME/. Where Python trains it, a golden.npz is written beside it,
see make_models.py.
"""

import argparse
import os
import pathlib
import shutil

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
import tf_keras

v1 = tf.compat.v1
ROWS = tf.TensorSpec([None, 4], tf.float32, name="x")


def kernel(rng, rows, columns, name):
    return tf.Variable(rng.normal(0, 0.7, (rows, columns)).astype("float32"), name=name)


class Random(tf.Module):
    """Random operations that keep their state in the session."""

    def __init__(self):
        super().__init__(name="random")
        rng = np.random.default_rng(1)
        self.body = kernel(rng, 4, 16, "body")
        self.head = kernel(rng, 16, 3, "head")

    @tf.function(input_signature=[ROWS])
    def dropout(self, x):
        hidden = tf.nn.dropout(tf.nn.relu(x @ self.body), 0.5)
        return {"y": tf.nn.dropout(hidden, 0.2) @ self.head}

    @tf.function(input_signature=[ROWS])
    def draws(self, x):
        shape = [tf.shape(x)[0], 1000]
        return {
            "uniform": tf.random.uniform(shape),
            "again": tf.random.uniform(shape),
            "normal": tf.random.normal(shape, 3.0, 2.0),
            "truncated": tf.random.truncated_normal(shape),
            "integer": tf.random.uniform(shape, -2, 5, tf.int32),
            "category": tf.random.categorical(tf.math.log([[0.2, 0.3, 0.5]]), 1000),
            "half": tf.random.uniform(shape, dtype=tf.float16),
        }

    @tf.function(input_signature=[ROWS])
    def gamma(self, x):
        return {"y": tf.random.gamma([16], 2.0) * (x @ self.body) @ self.head}

    @tf.function(input_signature=[ROWS])
    def others(self, x):
        noise = tf.random.gamma([4], 2.0) + tf.random.uniform([4])

        def body(i, y):
            return i + 1, y + tf.random.uniform([4])

        _, y = tf.while_loop(lambda i, y: tf.reduce_sum(y) < 100, body, [0, noise])
        return {"y": x * y}


def random(directory):
    module = Random()
    tf.saved_model.save(
        module,
        str(directory),
        signatures={
            "dropout": module.dropout,
            "draws": module.draws,
            "gamma": module.gamma,
            "others": module.others,
        },
    )


GRAPHS = [random]


def make(directory, names=()):
    for graph in GRAPHS:
        if names and graph.__name__ not in names:
            continue
        target = pathlib.Path(directory) / graph.__name__
        if target.exists():
            shutil.rmtree(target)
        keras.backend.clear_session()
        tf_keras.backend.clear_session()
        graph(target)
        print(graph.__name__, flush=True)


def main():
    parser = argparse.ArgumentParser(description="Makes the SavedModels of the inliner's tests.")
    parser.add_argument("directory")
    parser.add_argument("names", nargs="*", help="which, all of them if none is named")
    arguments = parser.parse_args()
    make(arguments.directory, arguments.names)


if __name__ == "__main__":
    main()
