"""Makes the real SavedModels that the tests use, and the values Python gets from them.

    python make_models.py DIRECTORY [NAME ...]
    python make_models.py DIRECTORY --set sample

The models are in zoo/, by kind. Without names and set these are made: the committed ones. A model
that is in DIRECTORY already and was made by the same sources is kept.

Each model is written to DIRECTORY/NAME/, and beside its saved_model.pb a golden.npz with

* one array per input of the signature, named as the input;
* `output:NAME`, what Python's loader answers to these inputs before any training;
* `labels` (or `labels:OUTPUT` where several outputs have a loss), `loss` (Keras name, several as
  "OUTPUT=NAME"), `from_logits`, `learning_rate`, `signature`, and where the signature has several
  outputs and one loss, `loss_output`: what five steps of plain SGD are made with;
* `losses`, the loss before each of the five steps;
* `weight:NAME`, every variable the signature reads after the fifth step, `initial:NAME` before the
  first, and `trainable`, the names of the variables that train. Names are those in the object graph,
  with `@` and the path in the checkpoint appended where several variables share a name;
* `sampled`, where the model is large: of a variable with more elements n than this, every k-th in
  flat order is there, k = ceil(n / sampled);
* `tolerance`, where the model computes in half precision: how far losses (relative) and weights may
  be from Python's; `spread`, where the model is deep: how far Python's
  losses and outputs are from each other (relative) when nothing but rounding differs;
  `compiled`, where parts of it run under XLA, whose rounding is its own.

Training runs in inference mode: through the signature that was saved and loaded again, so batch
statistics stay frozen and dropout stays off, as Java finds the model.

All weights come from NumPy's generator, so that the models do not depend on TensorFlow's. Nothing is
downloaded.
"""

import argparse
import hashlib
import os
import pathlib
import shutil
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["HF_HUB_OFFLINE"] = "1"

import keras
import numpy as np
import tf_keras

import zoo
import zoo.features
import zoo.programs
import zoo.sequences
import zoo.small
import zoo.vision

STAMP = "made-by"


def sources():
    """A digest of everything that a model depends on."""
    here = pathlib.Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted([here / "requirements.txt", *(here / "zoo").glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def make(directory, names):
    """Makes the models of these names."""
    digest = sources()
    for name in names:
        target = pathlib.Path(directory) / name
        committed = zoo.PLACES[name] == zoo.COMMITTED
        stamp = target / STAMP
        if stamp.exists() and stamp.read_text() == digest:
            print(f"{name}: is there", flush=True)
            continue
        if target.exists():
            shutil.rmtree(target)
        started = time.perf_counter()
        keras.backend.clear_session()
        tf_keras.backend.clear_session()
        golden = zoo.MODELS[name](str(target))
        values = golden.values(target)
        np.savez_compressed(target / "golden.npz", **values)
        if not committed:
            stamp.write_text(digest)
        losses = " ".join(f"{loss:.4f}" for loss in values["losses"])
        print(f"{name}: losses {losses} ({time.perf_counter() - started:.0f} s)", flush=True)


def chosen(places):
    return [name for name, place in zoo.PLACES.items() if place in places]


def main():
    sets = {
        "committed": [zoo.COMMITTED],
        "sample": [zoo.SAMPLE],
        "full": [zoo.SAMPLE, zoo.FULL],
    }
    parser = argparse.ArgumentParser(description="Makes the SavedModels of the tests.")
    parser.add_argument("directory")
    parser.add_argument("names", nargs="*", help="which models")
    parser.add_argument("--set", choices=sets, default="committed", help="where none is named")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(zoo.MODELS)
    if unknown:
        parser.error(f"unknown models {sorted(unknown)}; there are {sorted(zoo.MODELS)}")
    make(arguments.directory, arguments.names or chosen(sets[arguments.set]))


if __name__ == "__main__":
    main()
