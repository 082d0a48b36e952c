"""Golden values of the losses, their gradients and accuracies, from Keras itself.

    python loss_golden.py            writes ../resources/golden/loss.json
    python loss_golden.py --check    computes them again and compares with what is committed

Every case has the loss's Keras name, `fromLogits`, labels and output (flat, in C order, with their
shapes), the float32 value that Keras gives, its gradient by the output, and the accuracy that
`metrics=["accuracy"]` would choose, where it would choose one.
"""

import argparse
import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

FILE = pathlib.Path(__file__).resolve().parent.parent / "resources" / "golden" / "loss.json"

LOSSES = {
    "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
    "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
    "binary_crossentropy": keras.losses.BinaryCrossentropy,
    "mse": keras.losses.MeanSquaredError,
    "mae": keras.losses.MeanAbsoluteError,
    "huber": keras.losses.Huber,
}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def inputs():
    """(case, loss, fromLogits, labels, output)"""
    rng = np.random.default_rng(7)
    for shape in ((4, 5), (2, 3, 4), (2, 2, 3, 3)):
        logits = rng.normal(0, 3, shape)
        classes = rng.integers(0, shape[-1], shape[:-1])
        one_hot = np.eye(shape[-1])[classes]
        soft = softmax(rng.normal(0, 1, shape))
        where = f"rank {len(shape)}"
        for from_logits in (True, False):
            output = logits if from_logits else softmax(logits)
            yield where, "sparse_categorical_crossentropy", from_logits, classes, output
            yield where, "categorical_crossentropy", from_logits, one_hot, output
            yield where + " soft", "categorical_crossentropy", from_logits, soft, output
            output = logits if from_logits else sigmoid(logits)
            yield where, "binary_crossentropy", from_logits, one_hot, output
            yield where + " soft", "binary_crossentropy", from_logits, soft, output
        for name in ("mse", "mae", "huber"):
            yield where, name, False, rng.normal(0, 1, shape), rng.normal(0, 1, shape)

    logits = rng.normal(0, 2, (4, 5))
    column = rng.integers(0, 5, (4, 1))
    yield "labels in a column", "sparse_categorical_crossentropy", True, column, logits
    yield "labels in a column", "sparse_categorical_crossentropy", False, column, softmax(logits)
    logits = rng.normal(0, 2, (4, 1))
    yield "labels [batch]", "binary_crossentropy", True, np.array([0, 1, 1, 0]), logits
    yield "labels [batch]", "mse", False, rng.normal(0, 1, 4), logits
    yield "output [batch]", "binary_crossentropy", False, np.array([0, 1, 1, 0]), sigmoid(logits[:, 0])
    yield "output [batch]", "huber", False, rng.normal(0, 1, (4, 1)), logits[:, 0]

    # Where the clip of probabilities and the stable formulas count.
    far = np.array([[90.0, 0, -90], [-90, 90, 0], [0, 0, 0], [15, 0, -3]])
    classes = np.array([2, 1, 0, 0])
    one_hot = np.eye(3)[classes]
    edge = np.array([[1.0, 0, 0], [0, 1, 0], [1e-9, 1 - 1e-9, 0], [0.2, 0.3, 0.4]])
    yield "far", "sparse_categorical_crossentropy", True, classes, far
    yield "far", "categorical_crossentropy", True, one_hot, far
    yield "far", "binary_crossentropy", True, one_hot, far
    yield "edge", "sparse_categorical_crossentropy", False, classes, edge
    yield "edge", "categorical_crossentropy", False, one_hot, edge
    yield "edge", "binary_crossentropy", False, one_hot, edge
    yield "half", "binary_crossentropy", False, np.array([0.0, 1]), np.array([0.5, 0.5])
    yield "zero", "binary_crossentropy", True, np.array([0.0, 1]), np.array([0.0, 0.0])
    error = np.array([-2.0, -1, -0.5, 0, 0.5, 1, 3])
    for name in ("mse", "mae", "huber"):
        yield "bends", name, False, np.zeros(7), error


def accuracy(name, from_logits, labels, output):
    if name == "sparse_categorical_crossentropy":
        metric = keras.metrics.SparseCategoricalAccuracy()
    elif name == "categorical_crossentropy":
        metric = keras.metrics.CategoricalAccuracy()
    elif name == "binary_crossentropy":
        metric = keras.metrics.BinaryAccuracy(threshold=0.0 if from_logits else 0.5)
    else:
        return None
    metric.update_state(labels, output)
    return float(metric.result())


def case(where, name, from_logits, labels, output):
    output = np.float32(output)
    labels = labels if name.startswith("sparse") else np.float32(labels)
    options = {"from_logits": from_logits} if name.endswith("crossentropy") else {}
    variable = tf.Variable(output)
    with tf.GradientTape() as tape:
        # An eager tensor that no softmax made, or Keras would look for the logits behind it.
        value = LOSSES[name](**options)(labels, tf.identity(variable))
    gradient = tape.gradient(value, variable)
    return {
        "name": f"{name} {'logits' if from_logits else 'output'} {where}",
        "loss": name,
        "fromLogits": from_logits,
        "labelShape": list(labels.shape),
        "labels": [float(x) for x in np.ravel(labels)],
        "outputShape": list(output.shape),
        "output": [float(x) for x in np.ravel(output)],
        "value": float(value),
        "gradient": [float(x) for x in np.ravel(gradient)],
        "accuracy": accuracy(name, from_logits, labels, output),
    }


def text(cases):
    rows = [
        "    {\n" + ",\n".join(f"      {json.dumps(k)}: {json.dumps(v)}" for k, v in c.items()) + "\n    }"
        for c in cases
    ]
    return '{\n  "cases": [\n' + ",\n".join(rows) + "\n  ]\n}\n"


def near(found, committed):
    if isinstance(found, float) and isinstance(committed, float):
        return abs(found - committed) <= 1e-6 * abs(committed) + 1e-7
    if isinstance(found, list) and isinstance(committed, list):
        return len(found) == len(committed) and all(map(near, found, committed))
    return found == committed


def main():
    parser = argparse.ArgumentParser(description="Golden values of the losses.")
    parser.add_argument("--check", action="store_true", help="compare with the committed file")
    check = parser.parse_args().check
    cases = [case(*given) for given in inputs()]
    if not check:
        FILE.write_text(text(cases))
        print(f"{FILE.name}: {len(cases)} cases, {FILE.stat().st_size} bytes")
        return
    committed = json.loads(FILE.read_text())["cases"]
    wrong = [
        f"{a['name']}: {key}"
        for a, b in zip(cases, committed)
        for key in a
        if not near(a[key], b.get(key))
    ]
    print(f"{len(cases)} cases, {len(wrong)} differences", *wrong[:10], sep="\n")
    sys.exit(1 if wrong or len(cases) != len(committed) else 0)


if __name__ == "__main__":
    main()
