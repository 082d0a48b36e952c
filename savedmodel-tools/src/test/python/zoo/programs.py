"""Models that are no Keras models: tf.Module, and programs of TensorFlow 1."""

import pathlib
import tempfile

import numpy as np
import tensorflow as tf

from zoo import COMMITTED, SAMPLE, model
from zoo.golden import Golden, v1, weights_for


class Scores(tf.Module):
    """Two signatures over shared variables, a gather, a table read from an asset, odd names."""

    def __init__(self, vocabulary):
        super().__init__(name="scores")
        rng = np.random.default_rng(6)
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                str(vocabulary),
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            default_value=0,
        )
        self.embedding = tf.Variable(
            rng.normal(0, 1, (5, 4)).astype("float32"), name="Word.Vectors-v1"
        )
        first = tf.Variable(rng.normal(0, 0.7, (4, 4)).astype("float32"), name="kernel")
        second = tf.Variable(rng.normal(0, 0.7, (4, 3)).astype("float32"), name="kernel")
        self.ks = [first, second]
        self.bias = tf.Variable(np.zeros(3, "float32"), name="bias")
        self.temperature = tf.Variable(np.float32(1.5), name="temperature", trainable=False)
        self.calls = tf.Variable(np.int64(7), name="calls", trainable=False)

    def score(self, ids):
        vectors = tf.gather(self.embedding, ids)
        hidden = tf.tanh(tf.reduce_mean(vectors, axis=1) @ self.ks[0])
        return (hidden @ self.ks[1] + self.bias) / self.temperature

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.int64, name="ids")])
    def by_id(self, ids):
        logits = self.score(ids)
        return {"logits": logits, "odd key/1": tf.argmax(logits, axis=-1)}

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.string, name="words")])
    def by_word(self, words):
        return {"logits": self.score(self.table.lookup(words))}


@model(COMMITTED)
def tf_module(directory):
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = pathlib.Path(folder) / "vocabulary.txt"
        vocabulary.write_text("nothing\nred\ngreen\nblue\nblack\n")
        module = Scores(vocabulary)
        tf.saved_model.save(
            module,
            str(directory),
            signatures={"serving_default": module.by_id, "words": module.by_word},
        )
    rng = np.random.default_rng(106)
    return Golden(
        inputs={"ids": rng.integers(0, 5, (6, 3)).astype("int64")},
        labels=rng.integers(0, 3, 6).astype("int32"),
        loss="sparse_categorical_crossentropy",
        from_logits=True,
        loss_output="logits",
    )


def fill_session(session, rng):
    """Gives the variables of a program of TensorFlow 1 values that are plausible."""
    for variable in v1.global_variables():
        variable.load(weights_for(tuple(variable.shape), variable.name, rng), session)


def save_session(session, directory, signatures):
    """Saves a program of TensorFlow 1: inputs and outputs by the signature's key."""
    builder = v1.saved_model.Builder(str(directory))
    builder.add_meta_graph_and_variables(
        session,
        [tf.saved_model.SERVING],
        signature_def_map={
            key: v1.saved_model.predict_signature_def(inputs, outputs)
            for key, (inputs, outputs) in signatures.items()
        },
    )
    builder.save()


def tf1(directory, use_resource, seed, partitioner=None):
    """A model as TensorFlow 1 programs write it: no object graph, collections, a session's values."""
    rng = np.random.default_rng(seed)
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        with v1.variable_scope("layer", use_resource=use_resource, partitioner=partitioner):
            kernel = v1.get_variable("kernel", [4, 6])
            bias = v1.get_variable("bias", [6])
            hidden = tf.nn.relu(tf.matmul(x, kernel) + bias)
        with v1.variable_scope("head", use_resource=use_resource):
            head = v1.get_variable("kernel", [6, 3])
            shift = v1.get_variable("shift", [3], trainable=False)
            logits = tf.add(tf.matmul(hidden, head), shift, name="logits")
        probabilities = tf.nn.softmax(logits, name="probabilities")
        fill_session(session, rng)
        save_session(
            session, directory, {"serving_default": ({"x": x}, {"probabilities": probabilities})}
        )
    rng = np.random.default_rng(seed + 100)
    return Golden(
        inputs={"x": rng.normal(0, 1, (6, 4)).astype("float32")},
        labels=rng.integers(0, 3, 6).astype("int32"),
        loss="sparse_categorical_crossentropy",
        in_session=True,
    )


@model(COMMITTED)
def tf1_ref(directory):
    return tf1(directory, False, 7)


@model(COMMITTED)
def tf1_resource(directory):
    return tf1(directory, True, 8)


class Pieces(tf.Module):
    """What an inliner has to replace or keep: one signature for each kind."""

    def __init__(self):
        super().__init__(name="pieces")
        rng = np.random.default_rng(10)
        self.kernel = tf.Variable(rng.normal(0, 0.7, (4, 6)).astype("float32"), name="kernel")
        self.head = tf.Variable(rng.normal(0, 0.7, (6, 3)).astype("float32"), name="head")
        self.calls = tf.Variable(np.int64(0), name="calls", trainable=False)

    @tf.function
    def hidden(self, x):
        x = tf.raw_ops.PlaceholderWithDefault(input=x @ self.kernel, shape=[None, 6])
        return tf.ensure_shape(tf.nn.silu(x), [None, 6])

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def replaced(self, x):
        """Custom gradient, shape check, log softmax of rank 3, an axis counted from the end."""
        logits = self.hidden(x) @ self.head
        spread = tf.nn.log_softmax(tf.stack([logits, 2 * logits], axis=1))
        return {"logits": tf.reduce_sum(tf.gather(spread, [2, 0, 1], axis=-1), axis=1)}

    @tf.function
    def count(self):
        self.calls.assign_add(1)

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def counted(self, x):
        """A side effect in a function of its own, before the variable is read."""
        self.count()
        return {"calls": tf.cast(self.calls, tf.float32) + 0 * x}

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def branched(self, x):
        return {
            "y": tf.cond(
                tf.reduce_sum(x) > 8, lambda: self.hidden(x), lambda: 2 * self.hidden(x)
            )
        }

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def looped(self, x):
        for _ in tf.range(3):
            x = tf.tanh(x @ self.kernel @ tf.transpose(self.kernel))
        return {"y": x}

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def straight_through(self, x):
        @tf.custom_gradient
        def rounded(value):
            return tf.round(value), lambda gradient: gradient

        return {"y": rounded(x @ self.kernel)}

    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32, name="x")])
    def unknown_rank(self, x):
        return {"y": tf.nn.log_softmax(x), "z": tf.gather(x, [0], axis=-1)}


@model(COMMITTED)
def tf_pieces(directory):
    pieces = Pieces()
    tf.saved_model.save(
        pieces,
        str(directory),
        signatures={
            "serving_default": pieces.replaced,
            "counted": pieces.counted,
            "branched": pieces.branched,
            "looped": pieces.looped,
            "straight_through": pieces.straight_through,
            "unknown_rank": pieces.unknown_rank,
        },
    )
    rng = np.random.default_rng(110)
    return Golden(
        inputs={"x": rng.normal(0, 1, (6, 4)).astype("float32")},
        labels=rng.integers(0, 3, 6).astype("int32"),
        loss="sparse_categorical_crossentropy",
        from_logits=True,
    )


def tf1_partitioned(directory, use_resource, seed):
    return tf1(directory, use_resource, seed, v1.fixed_size_partitioner(2))


@model(SAMPLE)
def tf1_partitioned_ref(directory):
    return tf1_partitioned(directory, False, 21)


@model(SAMPLE)
def tf1_partitioned_resource(directory):
    return tf1_partitioned(directory, True, 22)


class Choice(tf.Module):
    """Two branches over variables of their own, chosen by the batch."""

    def __init__(self):
        super().__init__(name="choice")
        rng = np.random.default_rng(23)
        self.gate = tf.Variable(rng.normal(0, 0.7, (4, 6)).astype("float32"), name="gate")
        self.head = tf.Variable(rng.normal(0, 0.7, (6, 3)).astype("float32"), name="head")
        self.bias = tf.Variable(np.zeros(3, "float32"), name="bias")

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def choose(self, x):
        hidden = tf.cond(
            tf.reduce_sum(x) > 0,
            lambda: tf.nn.relu(x @ self.gate),
            lambda: tf.tanh(x @ self.gate) * 0.5,
        )
        return {"logits": hidden @ self.head + self.bias}


@model(SAMPLE)
def tf_cond(directory):
    choice = Choice()
    tf.saved_model.save(choice, str(directory), signatures=choice.choose)
    rng = np.random.default_rng(123)
    return Golden(
        inputs={"x": rng.normal(0, 1, (6, 4)).astype("float32")},
        labels=rng.integers(0, 3, 6).astype("int32"),
        loss="sparse_categorical_crossentropy",
        from_logits=True,
    )


class Compiled(tf.Module):
    """A function that XLA compiles, around and inside others that it does not."""

    def __init__(self):
        super().__init__(name="compiled")
        rng = np.random.default_rng(24)
        self.words = tf.Variable(rng.normal(0, 0.5, (7, 4)).astype("float32"), name="words")
        self.mix = tf.Variable(rng.normal(0, 0.5, (4, 4)).astype("float32"), name="mix")
        self.calls = tf.Variable(np.int64(0), name="calls", trainable=False)

    @tf.function(jit_compile=True)
    def block(self, x):
        return x + tf.nn.silu(x @ self.mix)

    @tf.function(input_signature=[tf.TensorSpec([None, 5], tf.int64, name="ids")])
    def predict(self, ids):
        vectors = tf.gather(self.words, ids)
        hidden = self.block(self.block(tf.reduce_mean(vectors, axis=1)))
        self.calls.assign_add(1)
        with tf.control_dependencies([tf.shape(hidden)]):
            hidden = tf.ensure_shape(hidden, [None, 4])
        return {"scores": tf.matmul(hidden, self.words, transpose_b=True)}


@model(SAMPLE)
def tf_jit(directory):
    compiled = Compiled()
    tf.saved_model.save(compiled, str(directory), signatures=compiled.predict)
    rng = np.random.default_rng(124)
    return Golden(
        inputs={"ids": rng.integers(0, 7, (6, 5)).astype("int64")},
        labels=rng.integers(0, 7, 6).astype("int32"),
        loss="sparse_categorical_crossentropy",
        from_logits=True,
        compiled=True,
    )
