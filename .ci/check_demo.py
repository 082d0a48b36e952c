"""Checks the demo's report and loads what the demo wrote.

    python check_demo.py REPORT
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

RISE = 0.15


def main():
    report = json.loads(pathlib.Path(sys.argv[1]).read_text())
    before, after = report["before"]["accuracy"], report["after"]["accuracy"]
    print(f"accuracy {before:.3f} before, {after:.3f} after")
    if not after - before >= RISE:
        sys.exit(f"Expected accuracy to rise by at least {RISE}, found {after - before:.3f}.")
    signature = tf.saved_model.load(report["output"]).signatures["serving_default"]
    (output,) = signature(image=tf.zeros((2, 28, 28, 1))).values()
    if not np.allclose(tf.reduce_sum(output, axis=-1), 1, atol=1e-5):
        sys.exit(f"Expected probabilities from the exported model, found {output.numpy()}.")
    print(f"{report['output']} loads in Python")


if __name__ == "__main__":
    main()
