"""Checks that Python's loaders answer as Java does to what Java trained and exported.

    python check_zoo.py target/zoo [NAME ...]

The directory is what ModelZooTest left: for each model result.json, and where it trained the export
and Java's answers.npz. How each loader fared is added to result.json, for support_table.py.

Prints one line per check and a last line `N passed, N failed`; the exit code is 0 only if something
ran and nothing failed.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import tensorflow as tf
import tf_keras

from check_export import LOADERS, Checks, expect_near
from zoo.golden import Golden, read_description

TOLERANCE = 1e-6


def by_keras2(directory, inputs, outputs):
    """What tf_keras makes of its own save; a single output has no name there."""
    net = tf_keras.models.load_model(str(directory), compile=False)
    tensors = {name: tf.constant(value) for name, value in inputs.items()}
    found = net(tensors if len(tensors) > 1 else next(iter(tensors.values())), training=False)
    if isinstance(found, dict):
        return {name: value.numpy() for name, value in found.items()}
    return {next(iter(outputs)): found.numpy()}


def ways(name, directory, golden):
    """The loaders that can load this kind of model at all."""
    found = dict(LOADERS)
    signatures = read_description(directory).signature_def
    if len(golden.inputs) > 1 and "serve" not in signatures:
        # The layer hands over one positional argument, which a signature of several inputs refuses.
        del found["TFSMLayer"]
    if name.startswith("tfkeras_"):
        found["load_model"] = by_keras2
    return found


def check_model(checks, folder):
    path = folder / "result.json"
    result = json.loads(path.read_text())
    if not result.get("trained"):
        return
    golden = Golden.read(result["directory"])
    answers = dict(np.load(folder / "answers.npz"))
    result["loaders"] = {}
    for way, load in ways(folder.name, folder / "export", golden).items():
        with checks.check(f"{folder.name}: {way} answers as Java") as note:
            result["loaders"][way] = False
            more = [answers] if load is by_keras2 else []
            found = load(folder / "export", golden.inputs, *more)
            note(expect_near(found, answers, golden.tolerance or max(TOLERANCE, 2 * golden.known_spread)))
            result["loaders"][way] = True
    path.write_text(json.dumps(result, indent=2))


def main():
    parser = argparse.ArgumentParser(description="Loads in Python what Java trained.")
    parser.add_argument("results", type=pathlib.Path, help="what ModelZooTest left")
    parser.add_argument("names", nargs="*", help="which models, all of them if none is named")
    arguments = parser.parse_args()
    checks = Checks()
    for path in sorted(arguments.results.glob("*/result.json")):
        if not arguments.names or path.parent.name in arguments.names:
            check_model(checks, path.parent)
    sys.exit(checks.finish())


if __name__ == "__main__":
    main()
