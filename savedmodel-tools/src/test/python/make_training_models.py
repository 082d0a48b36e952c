"""Makes the small SavedModels of the tests of training behaviour, and what Python's training makes of
them: batch statistics that move, dropout, losses of the model's own.

    python make_training_models.py DIRECTORY [NAME ...]
    python make_training_models.py --check        makes all again, compares with what is committed

Each model is written to DIRECTORY/NAME/, and beside its saved_model.pb a golden.npz as
make_models.py describes it, but for this: `losses` and `weight:NAME` come from five steps of plain
SGD of the model in training mode, with the model's own losses added, and there is
`output:trained:OUTPUT`, what the model answers in inference mode after the fifth step.

Dropout is there with a rate of 0 where numbers are compared: Python's random numbers are not ours.
"""

import argparse
import os
import pathlib
import shutil
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework.graph_to_function_def import graph_to_function_def
from tf_keras.src.legacy_tf_layers.normalization import batch_normalization

from zoo.golden import STEPS, fill, mean_loss, read_description, v1
from zoo.programs import fill_session, save_session

RATE = 0.1
TWINS = "_all_variables"
TOLERANCE = 1e-6  # rounding of another processor
RESOURCES = pathlib.Path(__file__).resolve().parent.parent / "resources" / "training"


def golden(inputs, labels, loss, **more):
    """What every golden.npz has, whatever trains the model; labels and losses by output if dicts."""
    values = dict(inputs)
    if isinstance(labels, dict):
        values |= {f"labels:{name}": label for name, label in labels.items()}
        values["loss"] = np.array([f"{name}={kind}" for name, kind in loss.items()])
    else:
        values["labels"] = labels
        values["loss"] = np.array(loss)
    values["signature"] = np.array("serving_default")
    values["from_logits"] = np.array(False)
    values["learning_rate"] = np.array(RATE)
    return values | more


def train(model, named, outputs, inputs, labels, loss):
    """Five steps of a Keras model, old or new: `outputs` names what it returns."""

    def answers(training):
        found = model(inputs, training=training)
        found = found if isinstance(found, dict) else dict(zip(outputs, tf.nest.flatten(found)))
        return {name: found[name] for name in outputs}

    trainable = {id(variable) for variable in model.trainable_variables}
    trained = [name for name, variable in named.items() if id(variable) in trainable]
    values = {f"output:{name}": found.numpy() for name, found in answers(False).items()}
    values |= {f"initial:{name}": variable.numpy() for name, variable in named.items()}
    losses = []
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            found = answers(True)
            if isinstance(loss, dict):
                total = tf.add_n([mean_loss(loss[n], labels[n], found[n], False) for n in loss])
            else:
                total = mean_loss(loss, labels, found[outputs[0]], False)
            total += sum(model.losses)
        gradients = tape.gradient(total, [named[name] for name in trained])
        for name, gradient in zip(trained, gradients):
            named[name].assign(named[name] - RATE * gradient)
        losses.append(float(total))
    values["losses"] = np.array(losses)
    values["trainable"] = np.array(trained)
    values |= {f"output:trained:{name}": found.numpy() for name, found in answers(False).items()}
    return values | {f"weight:{name}": variable.numpy() for name, variable in named.items()}


# ---------------------------------------------------------------- the models


def tfkeras_regularized(directory):
    """Keras 2: batch normalisation, weights and activities that cost something."""
    layers = tf_keras.layers
    l2 = tf_keras.regularizers.L2
    model = tf_keras.Sequential(
        [
            tf_keras.Input((6, 6, 1), name="image"),
            layers.Conv2D(4, 3, activation="relu", kernel_regularizer=l2(0.02), name="stem"),
            layers.BatchNormalization(momentum=0.8, name="norm"),
            layers.Flatten(name="flat"),
            layers.Dropout(0.0, name="drop"),
            layers.Dense(5, activity_regularizer=l2(0.01), name="middle"),
            layers.Dense(3, activation="softmax", kernel_regularizer=l2(0.03), name="head"),
        ],
        name="regularized",
    )
    fill(model.weights, 21)
    model.save(directory, save_format="tf")
    rng = np.random.default_rng(121)
    inputs = rng.uniform(0, 1, (8, 6, 6, 1)).astype("float32")
    labels = rng.integers(0, 3, 8).astype("int32")
    loss = "sparse_categorical_crossentropy"
    named = {variable.name.removesuffix(":0"): variable for variable in model.variables}
    values = train(model, named, ["head"], inputs, labels, loss)
    return golden({"image": inputs}, labels, loss, **values)


def tfkeras_two(directory):
    """Keras 2: several inputs and outputs, which its functions have in the order of the model."""
    layers = tf_keras.layers
    right = tf_keras.Input((4,), name="right")
    left = tf_keras.Input((3,), name="left")
    joined = layers.Concatenate(name="join")([layers.Dense(5, name="wide")(left), right])
    joined = layers.BatchNormalization(momentum=0.5, name="norm")(joined)
    size = layers.Dense(1, name="size")(joined)
    kind = layers.Dense(3, activation="softmax", name="kind")(joined)
    model = tf_keras.Model([right, left], [size, kind], name="two")
    fill(model.weights, 22)
    model.save(directory, save_format="tf")
    rng = np.random.default_rng(122)
    inputs = {
        "left": rng.normal(0, 1, (7, 3)).astype("float32"),
        "right": rng.normal(0, 1, (7, 4)).astype("float32"),
    }
    labels = {
        "size": rng.normal(0, 1, (7, 1)).astype("float32"),
        "kind": rng.integers(0, 3, 7).astype("int32"),
    }
    loss = {"size": "mse", "kind": "sparse_categorical_crossentropy"}
    named = {variable.name.removesuffix(":0"): variable for variable in model.variables}
    both = [inputs["right"], inputs["left"]]
    return golden(inputs, labels, loss, **train(model, named, ["size", "kind"], both, labels, loss))


def tfkeras_dropout(directory):
    """Keras 2: half of 400 units, each of which adds the same to the output, are dropped."""
    model = tf_keras.Sequential(
        [
            tf_keras.Input((400,), name="units"),
            tf_keras.layers.Dropout(0.5, name="drop"),
            tf_keras.layers.Dense(1, kernel_initializer="ones", name="sum"),
        ],
        name="dropout",
    )
    model.save(directory, save_format="tf")
    rows = 64
    return golden(
        {"units": np.full((rows, 400), 1 / 400, "float32")},
        np.ones((rows, 1), "float32"),
        "mse",
        trainable=np.array(["sum/kernel", "sum/bias"]),
    )


def keras3_endpoints(directory):
    """Keras 3: an archive with an endpoint for serving and one for training."""
    model = keras.Sequential(
        [
            keras.Input((5,), name="features"),
            keras.layers.Dense(6, activation="tanh", name="hidden"),
            keras.layers.BatchNormalization(momentum=0.7, name="norm"),
            keras.layers.Dropout(0.0, name="drop"),
            keras.layers.Dense(3, activation="softmax", name="head"),
        ],
        name="endpoints",
    )
    fill(model.weights, 23)
    spec = [keras.InputSpec(shape=(None, 5), dtype="float32", name="features")]
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", lambda x: model(x, training=False), spec)
    archive.add_endpoint("train", lambda x: model(x, training=True), spec)
    archive.write_out(directory, verbose=False)
    rng = np.random.default_rng(123)
    inputs = rng.normal(0, 1, (8, 5)).astype("float32")
    labels = rng.integers(0, 3, 8).astype("int32")
    loss = "sparse_categorical_crossentropy"
    named = {
        variable.path.removeprefix("endpoints/"): variable.value
        for variable in model.variables
        if "seed" not in variable.path
    }
    values = train(Keras3(model), named, ["output_0"], inputs, labels, loss)
    return golden({"features": inputs}, labels, loss, **values, **{"signature": np.array("serve")})


class Keras3:
    """Gives a Keras 3 model TensorFlow's variables, which the others have."""

    def __init__(self, model):
        self.model = model
        self.trainable_variables = [variable.value for variable in model.trainable_variables]
        self.losses = []

    def __call__(self, inputs, training):
        return self.model(inputs, training=training)


def tf1(directory, seed, conditionals_of_tf1, resource):
    """A program of TensorFlow 1: placeholders say whether to train and what to drop."""
    rng = np.random.default_rng(seed)
    (v1.disable_control_flow_v2 if conditionals_of_tf1 else v1.enable_control_flow_v2)()
    v1.experimental.output_all_intermediates(True)
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        labels = v1.placeholder(tf.int32, [None], name="labels")
        training = v1.placeholder_with_default(False, [], name="is_training")
        drop = v1.placeholder(tf.float32, [], name="drop_rate")
        with v1.variable_scope("layer", use_resource=resource):
            kernel = v1.get_variable(
                "kernel", [4, 6], regularizer=tf_keras.regularizers.L2(0.05)
            )
            hidden = tf.matmul(x, kernel)
        with v1.variable_scope("net", use_resource=resource):
            hidden = batch_normalization(
                hidden, momentum=0.6, training=training, name="norm", fused=False
            )
        hidden = tf.nn.relu(hidden)
        hidden = v1.cond(training, lambda: tf.nn.dropout(hidden, rate=drop), lambda: hidden)
        with v1.variable_scope("head", use_resource=resource):
            head = v1.get_variable("kernel", [6, 3])
        probabilities = tf.nn.softmax(tf.matmul(hidden, head), name="probabilities")
        fill_session(session, rng)
        save_session(
            session, directory, {"serving_default": ({"x": x}, {"probabilities": probabilities})}
        )

        rng = np.random.default_rng(seed + 100)
        fed = {
            x: rng.normal(0, 1, (8, 4)).astype("float32"),
            labels: rng.integers(0, 3, 8).astype("int32"),
            drop: 0.0,
        }
        name = "sparse_categorical_crossentropy"
        loss = mean_loss(name, labels, probabilities, False) + v1.losses.get_regularization_loss()
        trained = v1.trainable_variables()
        gradients = tf.gradients(loss, trained)
        updates = v1.get_collection(v1.GraphKeys.UPDATE_OPS)
        assert updates
        everything = {variable.op.name: variable for variable in v1.global_variables()}
        values = {"output:probabilities": session.run(probabilities, fed)}
        values |= {f"initial:{k}": v for k, v in session.run(everything).items()}
        losses = []
        for _ in range(STEPS):
            found, computed, before, _ = session.run(
                [loss, gradients, trained, updates], fed | {training: True}
            )
            for variable, gradient, old in zip(trained, computed, before):
                variable.load(old - RATE * gradient, session)
            losses.append(float(found))
        values["losses"] = np.array(losses)
        values["trainable"] = np.array([variable.op.name for variable in trained])
        values["output:trained:probabilities"] = session.run(probabilities, fed)
        values |= {f"weight:{k}": v for k, v in session.run(everything).items()}
        return golden({"x": fed[x]}, fed[labels], name, **values)


def tf1_switch(directory):
    return tf1(directory, 24, True, False)


def tf1_if(directory):
    return tf1(directory, 25, False, True)


def tf1_loop(directory):
    """Loops of TensorFlow 1: one that the loss depends on, and one that it does not."""
    rng = np.random.default_rng(26)
    v1.disable_control_flow_v2()
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        with v1.variable_scope("layer", use_resource=True):
            kernel = v1.get_variable("kernel", [4, 4])

        def grow(start):
            return v1.while_loop(
                lambda i, y: i < 3, lambda i, y: (i + 1, tf.tanh(y) + 0.5), [0, start]
            )[1]

        beside = tf.matmul(x + tf.stop_gradient(grow(tf.reduce_mean(x))), kernel, name="beside")
        through = grow(tf.matmul(x, kernel))
        chosen = v1.cond(tf.reduce_sum(x) > 0, lambda: 2 * beside, lambda: 3 * beside)
        fill_session(session, rng)
        signatures = {"beside": beside, "through": through, "chosen": chosen}
        save_session(
            session, directory, {key: ({"x": x}, {"y": y}) for key, y in signatures.items()}
        )
        inputs = np.random.default_rng(126).normal(0, 1, (6, 4)).astype("float32")
        outputs = session.run(signatures, {x: inputs})
    values = {f"output:{key}": found for key, found in outputs.items()}
    return golden({"x": inputs}, np.zeros((6, 4), "float32"), "mse", **values)


def wrapped_loop(directory):
    """The same in functions, as old versions of TensorFlow made them of such programs."""
    values = tf1_loop(directory)
    path = pathlib.Path(directory) / "saved_model.pb"
    model = saved_model_pb2.SavedModel()
    model.ParseFromString(path.read_bytes())
    meta = model.meta_graphs[0]
    with tf.Graph().as_default() as graph:
        tf.graph_util.import_graph_def(meta.graph_def, name="")
        outside = [graph.get_operation_by_name("x"), graph.get_operation_by_name("layer/kernel")]
        for key, signature in meta.signature_def.items():
            output = graph.get_tensor_by_name(signature.outputs["y"].name)
            inside, open_ = set(), [output.op]
            while open_:
                op = open_.pop()
                if op not in inside and op not in outside:
                    inside.add(op)
                    open_ += [tensor.op for tensor in op.inputs] + list(op.control_inputs)
            function = graph_to_function_def(
                graph,
                [op for op in graph.get_operations() if op in inside],
                [op.outputs[0] for op in outside],
                [output],
            )
            function.signature.name = f"{key}_function"
            meta.graph_def.library.function.add().CopyFrom(function)
            call = meta.graph_def.node.add(name=f"{key}_call", op="StatefulPartitionedCall")
            call.input.extend(op.name for op in outside)
            call.attr["Tin"].list.type.extend([tf.float32.as_datatype_enum, tf.resource.as_datatype_enum])
            call.attr["Tout"].list.type.append(tf.float32.as_datatype_enum)
            call.attr["f"].func.name = function.signature.name
            signature.outputs["y"].name = f"{call.name}:0"
    path.write_bytes(model.SerializeToString())
    return values


MODELS = [
    tfkeras_regularized,
    tfkeras_two,
    tfkeras_dropout,
    keras3_endpoints,
    tf1_switch,
    tf1_if,
    tf1_loop,
    wrapped_loop,
]


def make(directory, names):
    for model in MODELS:
        if names and model.__name__ not in names:
            continue
        target = pathlib.Path(directory) / model.__name__
        if target.exists():
            shutil.rmtree(target)
        keras.backend.clear_session()
        tf_keras.backend.clear_session()
        values = model(str(target))
        np.savez_compressed(target / "golden.npz", **values)
        print(model.__name__, *values.get("losses", []), flush=True)


def files(directory):
    """What a model is made of, but for the fingerprint, which differs from run to run."""
    found = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)) for path in found} - {"fingerprint.pb"}


def interface(directory):
    """What the signatures take and give."""
    return {
        key: {
            kind: {name: (info.dtype, str(info.tensor_shape)) for name, info in found.items()}
            for kind, found in (("inputs", signature.inputs), ("outputs", signature.outputs))
        }
        for key, signature in read_description(directory).signature_def.items()
    }


def checkpoint(directory):
    """The values of all variables that were saved."""
    reader = tf.train.load_checkpoint(str(directory / "variables" / "variables"))
    values = {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    }
    # Keras 3 saves its variables a second time, in an order that differs from run to run.
    twins = [name for name in values if name.startswith(TWINS)]
    twins.sort(key=lambda name: values[name].tobytes())
    again = {f"{TWINS}/{i}": values.pop(name) for i, name in enumerate(twins)}
    return values | again


def unequal(committed, made, tolerance):
    """Names of arrays that only one has, or that differ."""
    wrong = sorted(set(committed) ^ set(made))
    for name in sorted(set(committed) & set(made)):
        a, b = np.asarray(committed[name]), np.asarray(made[name])
        if a.dtype != b.dtype or a.shape != b.shape:
            wrong.append(f"{name}: {a.dtype}{a.shape} is now {b.dtype}{b.shape}")
        elif a.dtype.kind != "f":
            wrong += [] if np.array_equal(a, b) else [name]
        elif not np.allclose(a, b, rtol=tolerance, atol=tolerance):
            wrong.append(f"{name}: differs by {np.max(np.abs(a - b)):.2g}")
    return wrong


def differences(committed, made):
    """How two directories of one model differ: rounding apart, they should not."""
    wrong = [f"{name}: only in one" for name in sorted(files(committed) ^ files(made))]
    if wrong:
        return wrong
    if interface(committed) != interface(made):
        wrong.append("saved_model.pb: other signatures")
    wrong += unequal(checkpoint(committed), checkpoint(made), 0)
    arrays = [dict(np.load(directory / "golden.npz")) for directory in (committed, made)]
    return wrong + [f"golden.npz: {found}" for found in unequal(*arrays, TOLERANCE)]


def check():
    """The number of models that are not what is committed."""
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder)
        make(made, [])
        names = {model.__name__ for model in MODELS} | {path.name for path in RESOURCES.iterdir()}
        found = {
            name: differences(RESOURCES / name, made / name)
            if (made / name).exists() and (RESOURCES / name).exists()
            else ["only committed" if (RESOURCES / name).exists() else "not committed"]
            for name in sorted(names)
        }
    for name, wrong in found.items():
        print(*(f"{name}: {difference}" for difference in wrong[:10]), sep="\n", end="\n" * bool(wrong))
    failed = sum(bool(wrong) for wrong in found.values())
    print(f"{len(found)} models, {failed} differ")
    return failed


def main():
    parser = argparse.ArgumentParser(description="Makes the SavedModels of the training tests.")
    parser.add_argument("directory", nargs="?")
    parser.add_argument("names", nargs="*", help="which models, all of them if none is named")
    parser.add_argument("--check", action="store_true", help="compare with what is committed")
    arguments = parser.parse_args()
    if arguments.check == (arguments.directory is not None):
        parser.error("expected either a directory or --check")
    if arguments.check:
        sys.exit(1 if check() else 0)
    make(arguments.directory, arguments.names)


if __name__ == "__main__":
    main()
