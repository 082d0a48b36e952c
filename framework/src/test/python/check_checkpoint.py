"""Reads checkpoints that Java's tests left, with TensorFlow's own reader, and compares every bit.

    python check_checkpoint.py DIRECTORY

DIRECTORY holds expected.json and, by kind of variable, a directory of checkpoints, as
CheckpointsTest leaves them in framework/target/checkpoint-for-python.
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

SHAPES = {"variables/head/kernel": [3, 2], "variables/bias": [2], "optimizer/step": []}


def main(directory):
    kinds = json.loads((directory / "expected.json").read_text())
    checked = 0
    for kind, expected in kinds.items():
        (step,) = (directory / kind).glob("step-*")
        reader = tf.train.load_checkpoint(str(step / "state"))
        names = set(reader.get_variable_to_shape_map())
        if names != set(expected):
            sys.exit(f"{kind}: expected {sorted(expected)}, found {sorted(names)}")
        for name, bits in expected.items():
            value = reader.get_tensor(name)
            found = value.decode() if isinstance(value, bytes) else np.asarray(value).tobytes().hex()
            if found != bits:
                sys.exit(f"{kind} {name}: expected {bits}, found {found}")
            checked += 1
        for name, shape in SHAPES.items():
            if reader.get_variable_to_shape_map()[name] != shape:
                sys.exit(f"{kind} {name}: expected shape {shape}")
        if reader.get_tensor("optimizer/step") != 3:
            sys.exit(f"{kind}: expected step 3, found {reader.get_tensor('optimizer/step')}")
    if not checked:
        sys.exit(f"no checkpoint in {directory}")
    print(f"{checked} tensors of {len(kinds)} checkpoints are what Java wrote")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
