"""Makes the small real SavedModels that the tests use, and the values Python gets from them.

    python make_models.py DIRECTORY [NAME ...]

Each model is written to DIRECTORY/NAME/, and beside its saved_model.pb a golden.npz with

* one array per input of the signature, named as the input;
* `output:NAME`, what Python's loader answers to these inputs before any training;
* `labels` (or `labels:OUTPUT` where several outputs have a loss), `loss` (Keras name, several as
  "OUTPUT=NAME"), `from_logits`, `learning_rate`, `signature`, and where the signature has several
  outputs and one loss, `loss_output`: what five steps of plain SGD are made with;
* `losses`, the loss before each of the five steps;
* `weight:NAME`, every variable the signature reads after the fifth step, `initial:NAME` before the first, and
  `trainable`, the names of the variables that train. Names are those in the object graph, with
  `@` and the path in the checkpoint appended where several variables share a name.

Training runs in inference mode: through the signature that was saved and loaded again, so batch
statistics stay frozen and dropout stays off, as Java finds the model.

All weights come from NumPy's generator, so that the models do not depend on TensorFlow's.
"""

import argparse
import collections
import os
import pathlib
import shutil
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from tensorflow.core.protobuf import saved_model_pb2

STEPS = 5
v1 = tf.compat.v1


def weights_for(shape, name, rng):
    """A plausible trained value: scaled kernels, positive variances, small offsets."""
    if "variance" in name or "gamma" in name:
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    if len(shape) < 2:
        return rng.normal(0, 0.1, shape).astype("float32")
    fan_in = np.prod(shape[:-1])
    return rng.normal(0, np.sqrt(2 / fan_in), shape).astype("float32")


def fill(variables, seed):
    rng = np.random.default_rng(seed)
    for variable in variables:
        if variable.dtype in ("float32", tf.float32):
            name = getattr(variable, "path", variable.name)
            variable.assign(weights_for(tuple(variable.shape), name, rng))


def images(rng, count, size=8):
    return rng.uniform(0, 1, (count, size, size, 1)).astype("float32")


# ---------------------------------------------------------------- the models


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


def tf1(directory, use_resource, seed):
    """A model as TensorFlow 1 programs write it: no object graph, collections, a session's values."""
    rng = np.random.default_rng(seed)
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        with v1.variable_scope("layer", use_resource=use_resource):
            kernel = v1.get_variable("kernel", [4, 6])
            bias = v1.get_variable("bias", [6])
            hidden = tf.nn.relu(tf.matmul(x, kernel) + bias)
        with v1.variable_scope("head", use_resource=use_resource):
            head = v1.get_variable("kernel", [6, 3])
            shift = v1.get_variable("shift", [3], trainable=False)
            logits = tf.add(tf.matmul(hidden, head), shift, name="logits")
        probabilities = tf.nn.softmax(logits, name="probabilities")
        for variable in v1.global_variables():
            variable.load(weights_for(tuple(variable.shape), variable.name, rng), session)
        builder = v1.saved_model.Builder(str(directory))
        builder.add_meta_graph_and_variables(
            session,
            [tf.saved_model.SERVING],
            signature_def_map={
                "serving_default": v1.saved_model.predict_signature_def(
                    {"x": x}, {"probabilities": probabilities}
                )
            },
        )
        builder.save()
    rng = np.random.default_rng(seed + 100)
    return Golden(
        inputs={"x": rng.normal(0, 1, (6, 4)).astype("float32")},
        labels=rng.integers(0, 3, 6).astype("int32"),
        loss="sparse_categorical_crossentropy",
        in_session=True,
    )


def tf1_ref(directory):
    return tf1(directory, False, 7)


def tf1_resource(directory):
    return tf1(directory, True, 8)


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


# ---------------------------------------------------------------- what Python gets from them


class Golden:
    """Inputs, labels and loss a model is compared with; `values` runs them."""

    def __init__(
        self,
        inputs,
        labels,
        loss,
        from_logits=False,
        loss_output=None,
        in_session=False,
        learning_rate=0.1,
    ):
        self.inputs = inputs
        self.labels = labels
        self.loss = loss
        self.from_logits = from_logits
        self.loss_output = loss_output
        self.in_session = in_session
        self.learning_rate = learning_rate

    def values(self, directory):
        values = {name: value for name, value in self.inputs.items()}
        if isinstance(self.labels, dict):
            values |= {f"labels:{name}": value for name, value in self.labels.items()}
            values["loss"] = np.array([f"{name}={loss}" for name, loss in self.loss.items()])
        else:
            values["labels"] = self.labels
            values["loss"] = np.array(self.loss)
        if self.loss_output:
            values["loss_output"] = np.array(self.loss_output)
        values["signature"] = np.array("serving_default")
        values["from_logits"] = np.array(self.from_logits)
        values["learning_rate"] = np.array(self.learning_rate)
        return values | self.sgd(directory, [(self.inputs, self.labels)] * STEPS)

    def sgd(self, directory, batches, update=None, train=None):
        """Values of the signature, then one update per batch of the variables that train.

        update(name, value, gradient, step) gives a variable's new value, plain SGD if there is
        none; train names the variables to train, all that the model's author meant to if None.
        """

        def plain(name, value, gradient, step):
            return value - value.dtype.type(self.learning_rate) * gradient

        run = train_in_session if self.in_session else train_by_tape
        return run(directory, self, batches, update or plain, train)

    def total_loss(self, outputs, labels):
        """Mean over the batch; the losses of several outputs are summed."""
        if isinstance(self.loss, dict):
            return tf.add_n(
                [
                    mean_loss(loss, labels[name], outputs[name], self.from_logits)
                    for name, loss in self.loss.items()
                ]
            )
        name = self.loss_output or next(iter(outputs))
        return mean_loss(self.loss, labels, outputs[name], self.from_logits)

    @staticmethod
    def read(directory):
        """What a model was compared with when it was made."""
        stored = dict(np.load(pathlib.Path(directory) / "golden.npz"))
        meta = read_description(directory)
        loss = stored["loss"].tolist()
        labels = stored.get("labels")
        if isinstance(loss, list):
            loss = dict(entry.split("=") for entry in loss)
            labels = {name: stored[f"labels:{name}"] for name in loss}
        output = stored.get("loss_output")
        return Golden(
            inputs={name: stored[name] for name in meta.signature_def["serving_default"].inputs},
            labels=labels,
            loss=loss,
            from_logits=bool(stored["from_logits"]),
            loss_output=None if output is None else str(output),
            in_session=not meta.object_graph_def.nodes,
            learning_rate=float(stored["learning_rate"]),
        )


def mean_loss(name, labels, output, from_logits):
    losses = {
        "sparse_categorical_crossentropy": lambda: keras.losses.sparse_categorical_crossentropy(
            labels, output, from_logits=from_logits
        ),
        "categorical_crossentropy": lambda: keras.losses.categorical_crossentropy(
            labels, output, from_logits=from_logits
        ),
        "binary_crossentropy": lambda: keras.losses.binary_crossentropy(
            labels, output, from_logits=from_logits
        ),
        "mse": lambda: keras.losses.mean_squared_error(labels, output),
        "mae": lambda: keras.losses.mean_absolute_error(labels, output),
        "huber": lambda: keras.losses.huber(labels, output),
    }
    return tf.reduce_mean(losses[name]())


def read_description(directory):
    description = saved_model_pb2.SavedModel()
    description.ParseFromString((pathlib.Path(directory) / "saved_model.pb").read_bytes())
    return description.meta_graphs[0]


def named_variables(loaded, signature, directory):
    """{name: variable} of all variables a signature reads."""
    names = {id(variable): variable.name.removesuffix(":0") for variable in signature.variables}
    shared = {name for name, count in collections.Counter(names.values()).items() if count > 1}
    if shared:
        nodes = read_description(directory).object_graph_def.nodes
        paths, queue = {0: ()}, [0]
        while queue:
            node = queue.pop(0)
            for child in nodes[node].children:
                if child.node_id not in paths:
                    paths[child.node_id] = paths[node] + (child.local_name,)
                    queue.append(child.node_id)
        for node, path in paths.items():
            if nodes[node].variable.name in shared:
                found = loaded
                for part in path:
                    found = found[int(part)] if part.isdigit() else getattr(found, part)
                names[id(found)] += "@" + "/".join(path)
    return {names[id(variable)]: variable for variable in signature.variables}


def trainable_names(loaded, signature, named):
    """Keras lists what trains at the root; the flags of frozen layers' variables say otherwise."""
    listed = getattr(loaded, "trainable_variables", None) or signature.trainable_variables
    train = {id(variable) for variable in listed}
    return [name for name, variable in named.items() if id(variable) in train]


def train_by_tape(directory, golden, batches, update, train):
    loaded = tf.saved_model.load(str(directory))
    signature = loaded.signatures["serving_default"]
    named = named_variables(loaded, signature, directory)
    trainable = train or trainable_names(loaded, signature, named)
    outputs = signature(**{name: tf.constant(value) for name, value in golden.inputs.items()})
    values = {f"output:{key}": value.numpy() for key, value in outputs.items()}
    values |= {f"initial:{name}": variable.numpy() for name, variable in named.items()}
    values["trainable"] = np.array(trainable)
    losses = []
    for step, (inputs, labels) in enumerate(batches, start=1):
        with tf.GradientTape() as tape:
            outputs = signature(**{name: tf.constant(value) for name, value in inputs.items()})
            loss = golden.total_loss(outputs, labels)
        gradients = tape.gradient(loss, [named[name] for name in trainable])
        for name, gradient in zip(trainable, gradients):
            dense = tf.convert_to_tensor(gradient).numpy()
            named[name].assign(update(name, named[name].numpy(), dense, step))
        losses.append(float(loss))
    values["losses"] = np.array(losses)
    return values | {f"weight:{name}": variable.numpy() for name, variable in named.items()}


def train_in_session(directory, golden, batches, update, train):
    with tf.Graph().as_default(), v1.Session() as session:
        meta = v1.saved_model.load(session, [tf.saved_model.SERVING], str(directory))
        signature = meta.signature_def["serving_default"]
        label = v1.placeholder(golden.labels.dtype, (None,) + golden.labels.shape[1:])
        outputs = {
            name: session.graph.get_tensor_by_name(info.name)
            for name, info in signature.outputs.items()
        }
        loss = golden.total_loss(outputs, label)
        everything = {variable.op.name: variable for variable in v1.global_variables()}
        trainable = train or [variable.op.name for variable in v1.trainable_variables()]
        gradients = tf.gradients(loss, [everything[name] for name in trainable])

        def fed(inputs):
            return {signature.inputs[name].name: value for name, value in inputs.items()}

        values = {f"output:{k}": v for k, v in session.run(outputs, fed(golden.inputs)).items()}
        values |= {f"initial:{k}": v for k, v in session.run(everything).items()}
        values["trainable"] = np.array(trainable)
        losses = []
        for step, (inputs, labels) in enumerate(batches, start=1):
            before, found, computed = session.run(
                [everything, loss, gradients], fed(inputs) | {label: labels}
            )
            for name, gradient in zip(trainable, computed):
                everything[name].load(update(name, before[name], gradient, step), session)
            losses.append(float(found))
        values["losses"] = np.array(losses)
        return values | {f"weight:{k}": v for k, v in session.run(everything).items()}


MODELS = [
    keras3_cnn,
    keras3_mlp,
    keras3_frozen,
    keras3_embedding,
    tfkeras_cnn,
    tf_module,
    tf1_ref,
    tf1_resource,
    multi_io,
    tf_pieces,
]


def make(directory, names=()):
    """Makes the models of these names, all of them without names."""
    for model in MODELS:
        if names and model.__name__ not in names:
            continue
        target = pathlib.Path(directory) / model.__name__
        if target.exists():
            shutil.rmtree(target)
        keras.backend.clear_session()
        tf_keras.backend.clear_session()
        golden = model(str(target))
        values = golden.values(target)
        np.savez_compressed(target / "golden.npz", **values)
        losses = " ".join(f"{loss:.4f}" for loss in values["losses"])
        print(f"{model.__name__}: losses {losses}", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Makes the SavedModels of the tests.")
    parser.add_argument("directory")
    parser.add_argument("names", nargs="*", help="which models, all of them if none is named")
    arguments = parser.parse_args()
    known = {model.__name__ for model in MODELS}
    unknown = set(arguments.names) - known
    if unknown:
        parser.error(f"unknown models {sorted(unknown)}; there are {sorted(known)}")
    make(arguments.directory, arguments.names)


if __name__ == "__main__":
    main()
