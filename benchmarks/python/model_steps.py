"""Times a plain SGD step on SavedModels in Java and in Python, side by side.

    python model_steps.py --classpath CLASSPATH --models DIRECTORY [--models ...] --out FILE [NAME ...]

CLASSPATH is that of the benchmarks module. A directory holds models with golden.npz, as make_models.py
writes them. For each model, processes of both sides take turns; each loads the model, makes a first
step on its one batch, and goes on for some seconds. Both have TensorFlow's default threads and the
same settings of malloc. FILE gets, for each model and side, medians over the rounds: `step`, the
median of a process' later steps, and `first`, from the start of the process to its first step's end.

Python trains as its users do: the loaded signature under a tape in one tf.function, gradients of
tables as rows; TensorFlow 1's models in a session.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "savedmodel-tools/src/test/python"))

MALLOC = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "137438953472",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}
RATE = 1e-6


# ---------------------------------------------------------------- one process of Python's side


def python_process(model, started, seconds):
    import tensorflow as tf

    from zoo.golden import Golden

    golden = Golden.read(model)
    step = session_step(tf, golden, model) if golden.in_session else tape_step(tf, golden, model)
    step()
    first = time.time() - started
    times = []
    begun = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - begun < seconds:
        before = time.perf_counter()
        step()
        times.append(time.perf_counter() - before)
    print(json.dumps({"first": first, "step": statistics.median(times), "steps": len(times) + 1}))


def tape_step(tf, golden, model):
    from zoo.golden import named_variables, trainable_names

    loaded = tf.saved_model.load(str(model))
    signature = loaded.signatures["serving_default"]
    named = named_variables(loaded, signature, model)
    variables = [named[name] for name in trainable_names(loaded, signature, named)]

    @tf.function
    def step(inputs, labels):
        with tf.GradientTape() as tape:
            loss = golden.total_loss(signature(**inputs), labels)
        for variable, gradient in zip(variables, tape.gradient(loss, variables)):
            if isinstance(gradient, tf.IndexedSlices):
                rows = tf.IndexedSlices(RATE * gradient.values, gradient.indices)
                variable.scatter_sub(rows)
            else:
                variable.assign_sub(RATE * gradient)
        return loss

    def run():
        inputs = {name: tf.constant(value) for name, value in golden.inputs.items()}
        labels = tf.nest.map_structure(tf.constant, golden.labels)
        return float(step(inputs, labels))

    run.loaded = loaded  # whose variables the function does not keep alive
    return run


def session_step(tf, golden, model):
    v1 = tf.compat.v1
    session = v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        meta = v1.saved_model.load(session, [tf.saved_model.SERVING], str(model))
        signature = meta.signature_def["serving_default"]
        label = v1.placeholder(golden.labels.dtype, (None,) + golden.labels.shape[1:])
        outputs = {
            name: session.graph.get_tensor_by_name(info.name)
            for name, info in signature.outputs.items()
        }
        loss = golden.total_loss(outputs, label)
        update = v1.train.GradientDescentOptimizer(RATE).minimize(loss)
    feed = {signature.inputs[name].name: value for name, value in golden.inputs.items()}
    feed[label] = golden.labels
    return lambda: session.run([loss, update], feed)[0]


# ---------------------------------------------------------------- both sides in turns


def measured(command):
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | MALLOC)
    if done.returncode:
        raise RuntimeError(f"{command[:2]} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def java_command(classpath, model, golden, data, seconds):
    losses = golden.loss
    texts = [f"{o}={n}" for o, n in losses.items()] if isinstance(losses, dict) else [losses]
    java = os.path.join(os.environ["JAVA_HOME"], "bin/java") if "JAVA_HOME" in os.environ else "java"
    return lambda: [
        java,
        "-cp",
        classpath,
        "io.github.fadam.benchmarks.ModelSteps",
        str(model),
        str(data),
        repr(time.time()),
        str(seconds),
        str(golden.from_logits).lower(),
        golden.loss_output or "",
        *texts,
    ]


def compare(classpath, model, rounds, seconds):
    import numpy as np

    from zoo.golden import Golden

    golden = Golden.read(model)
    labels = golden.labels
    if isinstance(labels, dict):
        columns = {f"labels:{name}": value for name, value in labels.items()}
    else:
        columns = {"labels": labels}
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "data.npz"
        np.savez(data, **golden.inputs, **columns)
        java = java_command(classpath, model, golden, data, seconds)
        found = {"java": [], "python": []}
        for _ in range(rounds):
            found["java"].append(measured(java()))
            python = [sys.executable, __file__, "--side", str(model), repr(time.time())]
            found["python"].append(measured([*python, str(seconds)]))
    return {
        side: {key: statistics.median(run[key] for run in runs) for key in ("first", "step")}
        for side, runs in found.items()
    }


def main():
    if sys.argv[1:2] == ["--side"]:
        python_process(pathlib.Path(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description="Times steps in Java and Python.")
    parser.add_argument("--classpath", required=True)
    parser.add_argument("--models", required=True, action="append", type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("names", nargs="*", help="which models, all of them if none is named")
    arguments = parser.parse_args()
    times = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    for directory in arguments.models:
        for path in sorted(directory.glob("*/golden.npz")):
            model = path.parent
            if arguments.names and model.name not in arguments.names:
                continue
            try:
                times[model.name] = compare(
                    arguments.classpath, model, arguments.rounds, arguments.seconds
                )
            except RuntimeError as error:
                print(f"{model.name}: {error}", file=sys.stderr)
                continue
            arguments.out.write_text(json.dumps(times, indent=2))
            java, python = times[model.name]["java"], times[model.name]["python"]
            print(
                f"{model.name}: step {java['step'] * 1e3:.2f} / {python['step'] * 1e3:.2f} ms"
                f" = {java['step'] / python['step']:.2f}, first {java['first']:.1f} /"
                f" {python['first']:.1f} s = {java['first'] / python['first']:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
