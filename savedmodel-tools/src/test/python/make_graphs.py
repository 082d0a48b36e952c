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


class Branches(tf.Module):
    """Conditionals whose branches are functions."""

    def __init__(self):
        super().__init__(name="branches")
        rng = np.random.default_rng(2)
        self.left = kernel(rng, 4, 3, "left")
        self.right = kernel(rng, 4, 3, "right")
        self.calls = tf.Variable(0.0, name="calls", trainable=False)

    @tf.function(input_signature=[ROWS])
    def plain(self, x):
        return {
            "y": tf.cond(
                tf.reduce_sum(x) > 0, lambda: tf.tanh(x @ self.left), lambda: 2 * x @ self.right
            )
        }

    @tf.function(input_signature=[ROWS])
    def nested(self, x):
        def inner():
            return tf.cond(
                tf.reduce_max(x) > 1, lambda: x @ self.right, lambda: tf.sin(x @ self.left)
            )

        y, z = tf.cond(
            tf.reduce_sum(x) < 1000,
            lambda: (inner(), tf.nn.log_softmax(x[:, None] @ self.left)),
            lambda: (x @ self.left, x[:, None] @ self.right),
        )
        return {"y": y + z[:, 0]}

    @tf.function(input_signature=[ROWS])
    def switch(self, x):
        def branch(scale):
            return lambda: tf.sin(scale * x @ self.left) + x @ self.right

        index = tf.cast(tf.shape(x)[0] // 3, tf.int32)
        return {"y": tf.switch_case(index, [branch(1.0), branch(-2.0), branch(3.0)])}

    @tf.function(input_signature=[ROWS])
    def beyond(self, x):
        def branch(scale):
            return lambda: tf.sin(scale * x @ self.left)

        return {"y": tf.switch_case(tf.shape(x)[0], [branch(1.0), branch(-2.0), branch(3.0)])}

    @tf.function(input_signature=[ROWS])
    def effect(self, x):
        def counted():
            self.calls.assign_add(1.0)
            return x @ self.left

        return {"y": tf.cond(tf.reduce_sum(x) > 0, counted, lambda: x @ self.right)}

    @tf.function(input_signature=[ROWS])
    def shapes(self, x):
        return {
            "y": tf.cond(
                tf.reduce_sum(x) > 0, lambda: x @ self.left, lambda: x[:1] @ self.right
            )
        }

    @tf.function(input_signature=[ROWS])
    def numbers(self, x):
        """Nothing that a gradient goes through."""
        scale = tf.cond(tf.reduce_sum(x) > 0, lambda: 2, lambda: 3)
        return {"y": tf.cast(scale, tf.float32) * (x @ self.left) + x @ self.right}


SERIES = tf.TensorSpec([None, 5, 4], tf.float32, name="x")
OPEN = tf.TensorSpec([None, None, 4], tf.float32, name="x")


class Loops(tf.Module):
    """Loops whose bodies are functions."""

    def __init__(self):
        super().__init__(name="loops")
        rng = np.random.default_rng(3)
        self.inward = kernel(rng, 4, 4, "inward")
        self.again = kernel(rng, 4, 4, "again")
        self.calls = tf.Variable(0.0, name="calls", trainable=False)

    def step(self, state, x):
        return tf.tanh(x @ self.inward + state @ self.again)

    def recurrent(self, x):
        """The state after every step, with a list to read from and one to write to."""
        steps = tf.shape(x)[1]
        series = tf.TensorArray(tf.float32, size=steps).unstack(tf.transpose(x, [1, 0, 2]))
        states = tf.TensorArray(tf.float32, size=steps)

        def body(time, state, states):
            state = self.step(state, series.read(time))
            return time + 1, state, states.write(time, state)

        _, last, states = tf.while_loop(
            lambda time, *_: time < steps,
            body,
            (0, tf.zeros_like(x[:, 0]), states),
            maximum_iterations=steps,
        )
        return {"y": last + tf.reduce_mean(states.stack(), axis=0)}

    @tf.function(input_signature=[SERIES])
    def fixed_time(self, x):
        return self.recurrent(x)

    @tf.function(input_signature=[OPEN])
    def open_time(self, x):
        return self.recurrent(x)

    @tf.function(input_signature=[ROWS])
    def downwards(self, x):
        def body(left, y):
            return left - 2, self.step(y, tf.cast(left, tf.float32) * x)

        return {"y": tf.while_loop(lambda left, _: left >= -1, body, (5, x))[1]}

    @tf.function(input_signature=[ROWS])
    def at_most(self, x):
        return {
            "y": tf.while_loop(
                lambda y: True, lambda y: (self.step(y, x),), (x,), maximum_iterations=4
            )[0]
        }

    @tf.function(input_signature=[ROWS])
    def never(self, x):
        body = lambda i, y: (i + 1, self.step(y, x))
        return {"y": x @ self.inward + tf.while_loop(lambda i, _: i < 0, body, (0, x))[1] @ self.again}

    @tf.function(input_signature=[SERIES])
    def nested(self, x):
        def step(state, x):
            return tf.tanh(x[None] @ self.inward + state[None] @ self.again)[0]

        def scanned(part):
            return tf.scan(step, part, tf.zeros([4]))[-1]

        return {"y": tf.stack([scanned(x[0]), scanned(x[1])])}

    @tf.function(input_signature=[ROWS])
    def mapped(self, x):
        return {"y": tf.map_fn(lambda row: tf.tanh(row[None] @ self.inward)[0], x) @ self.again}

    @tf.function(input_signature=[ROWS])
    def branching(self, x):
        def body(i, y):
            y = tf.cond(i % 2 == 0, lambda: self.step(y, x), lambda: y @ self.again)
            return i + 1, y

        return {"y": tf.while_loop(lambda i, _: i < 3, body, (0, x))[1]}

    @tf.function(input_signature=[ROWS])
    def until(self, x):
        body = lambda y: (1.5 * y + tf.abs(x @ self.inward),)
        return {"y": tf.while_loop(lambda y: tf.reduce_sum(y) < 100, body, (tf.abs(x) + 1,))[0]}

    @tf.function(input_signature=[ROWS])
    def endless(self, x):
        body = lambda i, y: (i + 1, self.step(y, x))
        return {"y": tf.while_loop(lambda i, _: i < 5000, body, (0, x))[1]}

    @tf.function(input_signature=[ROWS])
    def effect(self, x):
        def body(i, y):
            self.calls.assign_add(1.0)
            return i + 1, self.step(y, x) * self.calls

        return {"y": tf.while_loop(lambda i, _: i < 3, body, (0, x))[1] + self.calls}


class Gated(tf.Module):
    """A GRU: its cell's three matrices are one, three times as wide."""

    def __init__(self):
        super().__init__(name="gated")
        rng = np.random.default_rng(4)
        self.inward = kernel(rng, 4, 12, "inward")
        self.again = kernel(rng, 4, 12, "again")

    def step(self, state, x):
        of_x = tf.split(x @ self.inward, 3, axis=1)
        of_state = tf.split(state @ self.again, 3, axis=1)
        update = tf.sigmoid(of_x[0] + of_state[0])
        reset = tf.sigmoid(of_x[1] + of_state[1])
        return update * state + (1 - update) * tf.tanh(of_x[2] + reset * of_state[2])

    def recurrent(self, x):
        steps = tf.shape(x)[1]
        series = tf.TensorArray(tf.float32, size=steps).unstack(tf.transpose(x, [1, 0, 2]))
        body = lambda time, state: (time + 1, self.step(state, series.read(time)))
        first = (0, tf.zeros_like(x[:, 0]))
        return {"y": tf.while_loop(lambda time, _: time < steps, body, first)[1]}

    @tf.function(input_signature=[SERIES])
    def fixed_time(self, x):
        return self.recurrent(x)

    @tf.function(input_signature=[OPEN])
    def open_time(self, x):
        return self.recurrent(x)


def save(module, directory, keys, inputs):
    """Saves the signatures and, for each one, what Python gets: outputs and the gradients of the
    sum of squares of y."""
    variables = module.trainable_variables
    tf.saved_model.save(module, str(directory), signatures={key: getattr(module, key) for key in keys})
    values = {}
    for key in keys:
        values[f"{key}/x"] = inputs(key)
        with tf.GradientTape() as tape:
            y = getattr(module, key)(tf.constant(values[f"{key}/x"]))["y"]
            loss = tf.reduce_sum(y * y)
        gradients = tape.gradient(loss, variables)
        values[f"{key}/y"] = y.numpy()
        for variable, gradient in zip(variables, gradients):
            if gradient is not None:
                values[f"{key}/{variable.name.removesuffix(':0')}"] = gradient.numpy()
    np.savez_compressed(pathlib.Path(directory) / "golden.npz", **values)


def branches(directory):
    rng = np.random.default_rng(20)
    keys = ["plain", "nested", "switch", "beyond", "effect", "shapes", "numbers"]
    save(
        Branches(), directory, keys, lambda key: np.abs(rng.normal(0, 1, (4, 4))).astype("float32")
    )


def loops(directory):
    rng = np.random.default_rng(30)
    series = ("fixed_time", "open_time", "nested")
    rows = ["downwards", "at_most", "never", "mapped", "branching", "until", "endless", "effect"]

    def inputs(key):
        shape = (3, 5, 4) if key in series else (3, 4)
        return rng.normal(0, 1, shape).astype("float32")

    save(Loops(), directory, [*series, *rows], inputs)


def gated(directory):
    rng = np.random.default_rng(31)
    series = lambda key: rng.normal(0, 1, (3, 5, 4)).astype("float32")
    save(Gated(), directory, ["fixed_time", "open_time"], series)


GRAPHS = [random, branches, loops, gated]


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
