"""Golden gradients of the library's own formulas, from Python TensorFlow's tape.

    python gradient_golden.py            writes ../resources/golden/gradients.json
    python gradient_golden.py --check    computes them again and compares with what is committed

and the same for python_gradients.txt, the operations to which Python gives a gradient.

The rows are in gradient_rows.py. A row is a small graph: `inputs` (differentiated by, exact in
float32), `constants`, `nodes` (op, inputs, attributes) in order, and `outputs`. An edge is `x0` (an
input), `c0` (a constant) or `3:1` (output 1 of node 3); a list of edges is a list input. The loss
is the sum over all elements of all outputs of value * cos(1.7 * place + 0.3), in float64, places
counted through the outputs. `gradients` has one flat list per input, null where Python has none.
"""

import argparse
import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_def_registry, ops

import gradient_rows

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "resources" / "golden"
FILE = FOLDER / "gradients.json"
OPS = FOLDER / "python_gradients.txt"

# The dtype "T" is the row's own.
DTYPES = {"int32": tf.int32, "int64": tf.int64, "bool": tf.bool, "float32": tf.float32}

# What raw_ops calls inputs that the operation's definition names otherwise.
RENAMED = {"dim": "axis", "reduction_indices": "axis"}


class Graph:
    """Numbers what the outputs of a row are made from."""

    def __init__(self, outputs, rng):
        self.rng = rng
        self.inputs, self.constants, self.nodes = [], [], []
        self.seen = {}
        self.outputs = [self.edge(output) for output in outputs]

    def edge(self, value):
        if isinstance(value, (list, tuple)):
            return [self.edge(each) for each in value]
        if isinstance(value, gradient_rows.Output):
            return f"{self.node(value.node)}:{value.index}"
        if isinstance(value, gradient_rows.Op):
            return f"{self.node(value)}:0"
        if isinstance(value, gradient_rows.Input):
            if id(value) not in self.seen:
                self.seen[id(value)] = len(self.inputs)
                values = value.draw(self.rng)
                self.inputs.append(
                    {"shape": list(values.shape), "values": [float(v) for v in values.ravel()]}
                )
            return f"x{self.seen[id(value)]}"
        array = np.asarray(value)
        dtype = {"float64": "T"}.get(array.dtype.name, array.dtype.name)
        if isinstance(value, int):
            dtype, array = "int32", array.astype(np.int32)
        self.constants.append(
            {"dtype": dtype, "shape": list(array.shape), "values": array.ravel().tolist()}
        )
        return f"c{len(self.constants) - 1}"

    def node(self, op):
        if id(op) not in self.seen:
            inputs = [self.edge(each) for each in op.inputs]
            self.nodes.append({"op": op.type, "inputs": inputs, "attributes": op.attributes})
            self.seen[id(op)] = len(self.nodes) - 1
        return self.seen[id(op)]


def attribute(value, dtype):
    if isinstance(value, dict):
        if value.get("type") == "complex":
            return tf.complex128 if dtype == tf.float64 else tf.complex64
        if "type" in value:
            return dtype if value["type"] == "T" else DTYPES[value["type"]]
        return tf.TensorShape([None if size < 0 else size for size in value["shape"]])
    return value


def run(graph, dtype):
    """Gradients by the inputs, from the tape."""

    def tensor(constant):
        of = dtype if constant["dtype"] == "T" else DTYPES[constant["dtype"]]
        return tf.constant(np.array(constant["values"]).reshape(constant["shape"]), of)

    inputs = [tensor({"dtype": "T", **x}) for x in graph.inputs]
    constants = [tensor(c) for c in graph.constants]
    results = []

    def value(edge):
        if isinstance(edge, list):
            return [value(each) for each in edge]
        if edge[0] in "xc":
            return (inputs if edge[0] == "x" else constants)[int(edge[1:])]
        node, index = map(int, edge.split(":"))
        return results[node][index]

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        for node in graph.nodes:
            names = [
                RENAMED.get(arg.name, arg.name)
                for arg in op_def_registry.get(node["op"]).input_arg
            ]
            result = getattr(tf.raw_ops, node["op"])(
                **dict(zip(names, map(value, node["inputs"]))),
                **{k: attribute(v, dtype) for k, v in node["attributes"].items()},
            )
            results.append(tf.nest.flatten(result))
        flat = tf.concat([tf.reshape(tf.cast(value(o), tf.float64), [-1]) for o in graph.outputs], 0)
        places = tf.range(tf.size(flat, tf.int32))
        loss = tf.reduce_sum(flat * tf.cos(1.7 * tf.cast(places, tf.float64) + 0.3))
    found = tape.gradient(loss, inputs)
    return [None if g is None else tf.convert_to_tensor(g).numpy().ravel().tolist() for g in found]


def row(name, given):
    graph = Graph(given.outputs, np.random.default_rng(sum(map(ord, name))))
    dtype = {"float64": tf.float64, "float32": tf.float32}[given.dtype]
    return {
        "name": name,
        "dtype": given.dtype,
        "differences": given.differences,
        "inputs": graph.inputs,
        "constants": graph.constants,
        "nodes": graph.nodes,
        "outputs": graph.outputs,
        "python": given.python,
        "gradients": [
            None if g is None else [float(f"{v:.9g}") for v in g]
            for g in (run(graph, dtype) if given.python else [])
        ],
    }


def differentiable():
    """Types that have a gradient in Python, those whose gradient is "none" left out."""
    registry = ops.gradient_registry
    return "".join(f"{name}\n" for name in sorted(registry.list()) if registry.lookup(name))


def near(found, committed):
    if isinstance(found, float) or isinstance(committed, float):
        if found is None or committed is None:
            return False
        return abs(found - committed) <= 1e-4 * abs(committed) + 1e-5
    if isinstance(found, list) and isinstance(committed, list):
        return len(found) == len(committed) and all(map(near, found, committed))
    return found == committed


def main():
    parser = argparse.ArgumentParser(description="Golden gradients.")
    parser.add_argument("--check", action="store_true", help="compare with the committed file")
    check = parser.parse_args().check
    rows, failed = [], []
    for name, given in gradient_rows.ROWS.items():
        try:
            rows.append(row(name, given))
        except Exception as e:
            failed.append(f"row {name}: {e}")
    if failed:
        sys.exit("\n".join(failed))
    if not check:
        OPS.write_text(differentiable())
        FILE.write_text("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in rows) + "\n]\n")
        print(f"{FILE.name}: {len(rows)} rows, {FILE.stat().st_size} bytes")
        return
    committed = json.loads(FILE.read_text())
    wrong = [] if OPS.read_text() == differentiable() else [OPS.name]
    wrong += [
        f"{a['name']}: {key}"
        for a, b in zip(rows, committed)
        for key in a
        if not near(a[key], b.get(key))
    ]
    print(f"{len(rows)} rows, {len(wrong)} differences", *wrong[:10], sep="\n")
    sys.exit(1 if wrong or len(rows) != len(committed) else 0)


if __name__ == "__main__":
    main()
