"""Checks that Python loads a model which was built and trained in Java from nothing.

    python check_scratch.py --model DIRECTORY --answers FILE

The example ScratchTraining wrote DIRECTORY and printed FILE: lines `x y`, what Java's graph answered.
The model is loaded in the three ways Python programs do; every answer must be Java's within 1e-6.
Prints one line per check; the exit code is 0 only if all passed.
"""

import argparse
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
VARIABLES = {"hidden/kernel:0", "hidden/bias:0", "head/kernel:0"}


def with_saved_model_load(model, x):
    loaded = tf.saved_model.load(model)
    names = {variable.name for variable in loaded.variables}
    if names != VARIABLES:
        raise AssertionError(f"expected the variables {VARIABLES}, found {names}")
    return loaded.signatures["serving_default"](x=tf.constant(x))["y"].numpy()


def with_layer(model, x):
    answer = keras.layers.TFSMLayer(model, call_endpoint="serving_default")(x)
    return np.asarray(answer["y"] if isinstance(answer, dict) else answer)


def with_session(model, x):
    with tf.Graph().as_default(), v1.Session() as session:
        meta = v1.saved_model.load(session, ["serve"], model)
        signature = meta.signature_def["serving_default"]
        trainable = {variable.name for variable in v1.trainable_variables()}
        if trainable != VARIABLES:
            raise AssertionError(f"expected {VARIABLES} to train, found {trainable}")
        return session.run(signature.outputs["y"].name, {signature.inputs["x"].name: x})


def main():
    parser = argparse.ArgumentParser(description="Loads a model that Java trained from nothing.")
    parser.add_argument("--model", required=True)
    parser.add_argument("--answers", required=True)
    options = parser.parse_args()
    pairs = np.loadtxt(options.answers, dtype=np.float64, ndmin=2)
    x = pairs[:, :1].astype(np.float32)
    failed = 0
    for load in (with_saved_model_load, with_layer, with_session):
        name = load.__name__.replace("_", " ")
        try:
            difference = float(np.max(np.abs(load(options.model, x)[:, 0] - pairs[:, 1])))
            if not difference <= 1e-6:
                raise AssertionError(f"differs from Java by {difference}")
            print(f"ok     {name}", flush=True)
        except Exception as error:  # whatever breaks a check has failed it
            failed += 1
            print(f"FAILED {name}: {error}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
