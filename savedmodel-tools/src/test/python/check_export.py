"""Checks what Java trains and exports against Python.

    python check_export.py --fadam ./fadam --models DIRECTORY --work DIRECTORY [NAME ...]

--models holds what make_models.py made there; --committed DIRECTORY compares it with an earlier
making first. Each model is fine-tuned on the command line, with SGD and with FAdam, over two batches
that take turns, and the export is evaluated there. Python then does the same with its own gradients
and loads the export in the three ways Python programs do.

Prints one line per check and a last line `N passed, N failed`; the exit code is 0 only if something
ran and nothing failed.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2

from zoo.golden import STEPS, Golden, read_description

REPOSITORY = pathlib.Path(__file__).resolve().parents[4]
sys.path.insert(0, str(REPOSITORY / "framework/src/test/python"))
import fadam_golden  # noqa: E402

v1 = tf.compat.v1
SGD_RATE = 0.02  # batches of two or three rows are rough: larger steps magnify rounding
FADAM_RATE = 1e-3
ATTRIBUTE = "/.ATTRIBUTES/VARIABLE_VALUE"  # ends the key of a variable in a checkpoint

# Trained a second time with part of the variables: patterns and the names they stand for.
PARTLY = {
    "keras3_cnn": (["head/*"], ["cnn/head/kernel", "cnn/head/bias"]),
    "tf_module": (["kernel@ks/1", "bias"], ["kernel@ks/1", "bias"]),
    "tf1_ref": (["layer/*"], ["layer/kernel", "layer/bias"]),
}


class Checks:
    """Counts, prints, and goes on after a failure."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    @contextlib.contextmanager
    def check(self, name):
        notes = []
        try:
            yield notes.append
        except Exception as error:  # a check that breaks has failed, whatever broke
            self.failed += 1
            reason = str(error).strip() or repr(error)
            print(f"FAILED {name}: {reason}", flush=True)
        else:
            self.passed += 1
            print(f"ok     {name}{''.join(f' ({note})' for note in notes)}", flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 0 if self.passed and not self.failed else 1


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def distance(found, expected):
    """Largest difference, relative to the largest expected value where that is above 1."""
    found, expected = np.asarray(found), np.asarray(expected)
    expect(found.shape == expected.shape, f"shape {found.shape}, expected {expected.shape}")
    if not expected.size:
        return 0.0
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    expect(np.all(np.isfinite(found)), "not all values are finite")
    return float(np.max(np.abs(found - expected)) / max(1.0, np.max(np.abs(expected))))


def expect_near(found, expected, tolerance):
    """Both are {name: array} with the same names; answers the largest distance."""
    expect(
        found.keys() == expected.keys(), f"names {sorted(found)}, expected {sorted(expected)}"
    )
    worst = max((distance(found[name], expected[name]), name) for name in expected)
    expect(worst[0] <= tolerance, f"{worst[1]} differs by {worst[0]:.3g}, allowed {tolerance}")
    return f"{worst[0]:.1e}"


# ---------------------------------------------------------------- the command line


class CommandLine:
    def __init__(self, program):
        self.program = program

    def run(self, *arguments):
        command = [self.program, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{tail}")

    @staticmethod
    def loss_options(golden):
        if isinstance(golden.loss, dict):
            options = [f"--loss={output}={loss}" for output, loss in golden.loss.items()]
        else:
            options = [f"--loss={golden.loss}"]
        if golden.from_logits:
            options.append("--from-logits")
        if golden.loss_output:
            options.append(f"--output={golden.loss_output}")
        return options


class Task:
    """A model with data on disk: two batches of equal size that take turns."""

    def __init__(self, model, work):
        self.name = model.name
        self.model = model
        self.golden = Golden.read(model)
        self.work = work / model.name
        self.work.mkdir(parents=True)
        count = len(next(iter(self.golden.inputs.values())))
        self.batch_size = count // 2
        self.halves = [
            self.rows(slice(start, start + self.batch_size)) for start in (0, self.batch_size)
        ]
        self.inputs, self.labels = self.rows(slice(2 * self.batch_size))
        self.golden.inputs = self.inputs
        self.golden.learning_rate = SGD_RATE
        self.data = self.work / "data.npz"
        np.savez(self.data, **self.inputs, **self.label_arrays())

    def rows(self, part):
        inputs = {name: value[part] for name, value in self.golden.inputs.items()}
        labels = self.golden.labels
        if isinstance(labels, dict):
            return inputs, {name: value[part] for name, value in labels.items()}
        return inputs, labels[part]

    def label_arrays(self):
        if isinstance(self.labels, dict):
            return {f"labels:{name}": value for name, value in self.labels.items()}
        return {"labels": self.labels}

    def batches(self):
        return [self.halves[step % 2] for step in range(STEPS)]

    def python(self, update=None, train=None):
        return self.golden.sgd(self.model, self.batches(), update, train)

    def finetune(self, command_line, label, optimizer, learning_rate, *more):
        """Runs the command line; answers the report and where the export is."""
        report, exported = self.work / f"{label}.json", self.work / label
        command_line.run(
            "finetune",
            self.model,
            f"--train={self.data}",
            f"--validation={self.data}",
            *CommandLine.loss_options(self.golden),
            f"--optimizer={optimizer}",
            f"--learning-rate={learning_rate!r}",
            f"--steps={STEPS}",
            f"--batch-size={self.batch_size}",
            "--no-shuffle",
            "--quiet",
            f"--report={report}",
            f"--out={exported}",
            *more,
        )
        return json.loads(report.read_text()), exported

    def predictions(self, command_line, exported):
        """What Java answers to the data with an exported model."""
        target = self.work / "predictions.npz"
        command_line.run(
            "evaluate",
            exported,
            f"--data={self.data}",
            *CommandLine.loss_options(self.golden),
            f"--batch-size={self.batch_size}",
            f"--predictions={target}",
        )
        return dict(np.load(target))


class FAdamSteps:
    """The NumPy reference of FAdam on Python's gradients, one state per variable."""

    def __init__(self):
        self.rule = fadam_golden.FAdam(learningRate=FADAM_RATE)
        self.slots = {}

    def __call__(self, name, value, gradient, step):
        theta = value.astype(np.float64)
        slots = self.slots.get(name) or self.rule.slots(theta)
        theta, self.slots[name] = self.rule.update(
            theta, gradient.astype(np.float64), slots, step, fadam_golden.FLOAT32
        )
        return theta.astype(value.dtype)


# ---------------------------------------------------------------- loading an export


def variables_in(directory):
    return prefixed(Golden.read(directory).sgd(directory, []), "weight:")


def prefixed(values, prefix):
    return {
        name.removeprefix(prefix): value
        for name, value in values.items()
        if name.startswith(prefix)
    }


def by_loader(directory, inputs):
    signature = tf.saved_model.load(str(directory)).signatures["serving_default"]
    outputs = signature(**{name: tf.constant(value) for name, value in inputs.items()})
    return {name: value.numpy() for name, value in outputs.items()}


def by_layer(directory, inputs):
    # The layer hands over one positional argument: a signature takes a tensor so, never a dict.
    several = len(inputs) > 1
    endpoint = "serve" if several else "serving_default"
    layer = keras.layers.TFSMLayer(str(directory), call_endpoint=endpoint)
    tensors = {name: tf.constant(value) for name, value in inputs.items()}
    outputs = layer(tensors if several else next(iter(tensors.values())))
    if not isinstance(outputs, dict):  # that endpoint gives a single output no name
        signature = read_description(directory).signature_def["serving_default"]
        outputs = {next(iter(signature.outputs)): outputs}
    return {name: value.numpy() for name, value in outputs.items()}


def by_session(directory, inputs):
    with tf.Graph().as_default(), v1.Session() as session:
        meta = v1.saved_model.load(session, [tf.saved_model.SERVING], str(directory))
        signature = meta.signature_def["serving_default"]
        feed = {signature.inputs[name].name: value for name, value in inputs.items()}
        return session.run({name: info.name for name, info in signature.outputs.items()}, feed)


LOADERS = {"tf.saved_model.load": by_loader, "TFSMLayer": by_layer, "v1 session": by_session}


def checkpoint(directory):
    """[(variable's name, key, value)] of everything in the checkpoint, every copy apart."""
    reader = tf.train.load_checkpoint(str(pathlib.Path(directory) / "variables" / "variables"))
    shapes = reader.get_variable_to_shape_map()
    graph_key = "_CHECKPOINTABLE_OBJECT_GRAPH"
    if graph_key not in shapes:
        return [(key, key, reader.get_tensor(key)) for key in sorted(shapes)]
    graph = trackable_object_graph_pb2.TrackableObjectGraph()
    graph.ParseFromString(reader.get_tensor(graph_key))
    saved = read_description(directory).object_graph_def.nodes
    return [
        (saved[index].variable.name, attribute.checkpoint_key, value)
        for index, node in enumerate(graph.nodes)
        for attribute in node.attributes
        if attribute.checkpoint_key in shapes
        for value in [reader.get_tensor(attribute.checkpoint_key)]
    ]


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def expect_only_moved(before, after, trained):
    """Variables that train have moved, in every copy alike; all others are the same to the bit."""
    trained = set(trained)
    old = {key: value for _, key, value in before}
    new = {key: value for _, key, value in after}
    expect(
        old.keys() == new.keys(), f"checkpoint keys differ: {sorted(old.keys() ^ new.keys())}"
    )
    moved, kept = set(), set()
    for name, key, _ in before:
        same = same_bits(old[key], new[key])
        trains = name in trained or f"{name}@{key.removesuffix(ATTRIBUTE)}" in trained
        expect(same != trains, f"{name} ({key}) {'did not move' if same else 'has moved'}")
        (kept if same else moved).add(key)
    for name, key, _ in before:
        for twin, twin_key, _ in before:
            if twin == name and same_bits(old[key], old[twin_key]):
                expect(
                    same_bits(new[key], new[twin_key]), f"copies {key} and {twin_key} differ now"
                )
    expect(moved, "nothing has moved")
    return f"{len(moved)} moved, {len(kept)} kept"


def files_in(directory):
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


# ---------------------------------------------------------------- the checks


def check_making(checks, committed, made):
    with checks.check(f"{made.name}: Python makes the committed golden values") as note:
        expected = dict(np.load(committed / made.name / "golden.npz"))
        found = dict(np.load(made / "golden.npz"))
        expect(found.keys() == expected.keys(), "the arrays have other names")
        words = {name for name, value in expected.items() if value.dtype.kind in "US"}
        for name in words:
            expect(np.array_equal(found.pop(name), expected.pop(name)), f"{name} differs")
        note(expect_near(found, expected, 1e-5))


def check_run(checks, title, task, run, expected, trained, tolerance, weights=True):
    """One fine-tuning against Python's; answers the export or None."""
    exported = None
    with checks.check(f"{title}: runs"):
        report, exported = run()
    if exported is None:
        return None
    with checks.check(f"{title}: losses as in Python") as note:
        losses = report["losses"]
        expect(len(losses) == STEPS, f"{len(losses)} losses")
        worst = np.max(np.abs(np.array(losses) / expected["losses"] - 1))
        expect(worst <= tolerance, f"{losses}, Python {expected['losses'].tolist()}")
        note(f"{worst:.1e}")
    with checks.check(f"{title}: counts parameters"):
        sizes = {name: value.size for name, value in prefixed(expected, "initial:").items()}
        wanted = {"all": sum(sizes.values()), "trainable": sum(sizes[name] for name in trained)}
        found = {key: report["parameters"][key] for key in wanted}
        expect(found == wanted, f"{found}, expected {wanted}")
    with checks.check(f"{title}: loss before and after as in Python") as note:
        found = {key: np.float64(report[key]["loss"]) for key in ("before", "after")}
        wanted = {
            key: task.golden.sgd(where, [(task.inputs, task.labels)])["losses"][0]
            for key, where in (("before", task.model), ("after", exported))
        }
        expect(wanted["before"] != wanted["after"], "training changed nothing")
        note(expect_near(found, wanted, 1e-5))
    if weights:
        with checks.check(f"{title}: exported weights as in Python") as note:
            note(expect_near(variables_in(exported), prefixed(expected, "weight:"), 1e-5))
    with checks.check(f"{title}: only what trains has moved") as note:
        note(expect_only_moved(checkpoint(task.model), checkpoint(exported), trained))
    return exported


def check_export(checks, command_line, task, title, exported):
    java = None
    with checks.check(f"{title}: evaluates in Java"):
        java = task.predictions(command_line, exported)
    for way, load in LOADERS.items():
        with checks.check(f"{title}: {way} answers as Java") as note:
            expect(java is not None, "Java gave no predictions")
            note(expect_near(load(exported, task.inputs), java, 1e-6))
    with checks.check(f"{title}: the rest of the directory is unchanged") as note:
        skipped = ("variables/", "fingerprint.pb")
        kept = {k: v for k, v in files_in(task.model).items() if not k.startswith(skipped)}
        found = files_in(exported)
        wrong = [name for name, content in kept.items() if found.get(name) != content]
        expect(not wrong, f"missing or changed: {wrong}")
        note(f"{len(kept)} files")


WORDS = [["red", "blue", "nothing"], ["black", "unheard", "green"]]
WORD_IDS = [[1, 3, 0], [4, 0, 2]]


def check_words(checks, command_line, task, title, exported):
    """The signature that was not trained: strings, through a table that is read from an asset."""
    expected = None
    with checks.check(f"{title}: the other signature reads the asset"):
        signatures = tf.saved_model.load(str(exported)).signatures
        found = signatures["words"](words=tf.constant(WORDS))["logits"].numpy()
        ids = tf.constant(WORD_IDS, tf.int64)
        expected = signatures["serving_default"](ids=ids)["logits"].numpy()
        expect(np.array_equal(found, expected), f"{found}, expected {expected}")
    for kind in ("U", "S"):
        with checks.check(f"{title}: Java reads strings of dtype {kind}") as note:
            data, target = task.work / f"words-{kind}.npz", task.work / f"answers-{kind}.npz"
            np.savez(data, words=np.array(WORDS, kind), labels=np.zeros(2, "int32"))
            command_line.run(
                "evaluate",
                exported,
                "--signature=words",
                f"--data={data}",
                f"--loss={task.golden.loss}",
                "--from-logits",
                "--output=logits",
                f"--predictions={target}",
            )
            note(expect_near(dict(np.load(target)), {"logits": expected}, 1e-6))


def check_model(checks, command_line, model, work):
    name = model.name
    task = None
    with checks.check(f"{name}: data written"):
        task = Task(model, work)
    if task is None:
        return
    source = files_in(model)

    expected = task.python()
    exported = check_run(
        checks,
        f"{name}, sgd",
        task,
        lambda: task.finetune(command_line, "sgd", "sgd", SGD_RATE),
        expected,
        expected["trainable"].tolist(),
        1e-5,
    )
    if exported:
        check_export(checks, command_line, task, f"{name}, sgd", exported)
        if name == "tf_module":
            check_words(checks, command_line, task, f"{name}, sgd", exported)

    # Weights are not compared: a gradient that is 0 but for rounding gives a full step either way.
    expected = task.python(FAdamSteps())
    exported = check_run(
        checks,
        f"{name}, fadam",
        task,
        lambda: task.finetune(command_line, "fadam", "fadam", FADAM_RATE),
        expected,
        expected["trainable"].tolist(),
        1e-5,
        weights=False,
    )
    if exported:
        check_export(checks, command_line, task, f"{name}, fadam", exported)

    if name in PARTLY:
        patterns, trained = PARTLY[name]
        options = [f"--trainable={pattern}" for pattern in patterns]
        check_run(
            checks,
            f"{name}, sgd of {' '.join(patterns)}",
            task,
            lambda: task.finetune(command_line, "partly", "sgd", SGD_RATE, *options),
            task.python(train=trained),
            trained,
            1e-5,
        )
    with checks.check(f"{name}: the source is untouched"):
        expect(files_in(model) == source, "its files have changed")


def main():
    parser = argparse.ArgumentParser(description="Checks Java's exports in Python.")
    parser.add_argument("--fadam", required=True, help="the command line's launcher")
    parser.add_argument("--models", required=True, type=pathlib.Path)
    parser.add_argument("--committed", type=pathlib.Path, help="an earlier making of the models")
    parser.add_argument("--work", required=True, type=pathlib.Path, help="is emptied first")
    parser.add_argument("names", nargs="*", help="which models, all of them if none is named")
    arguments = parser.parse_args()
    models = [
        model
        for model in sorted(arguments.models.iterdir())
        if (model / "golden.npz").exists() and (not arguments.names or model.name in arguments.names)
    ]
    missing = set(arguments.names) - {model.name for model in models}
    if missing:
        parser.error(f"no models {sorted(missing)} in {arguments.models}")
    if arguments.work.exists():
        shutil.rmtree(arguments.work)
    checks = Checks()
    command_line = CommandLine(arguments.fadam)
    for model in models:
        if arguments.committed:
            check_making(checks, arguments.committed, model)
        check_model(checks, command_line, model, arguments.work)
    sys.exit(checks.finish())


if __name__ == "__main__":
    main()
