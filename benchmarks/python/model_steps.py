"""Times a plain SGD step on SavedModels in Java and in Python, side by side.

    python model_steps.py --classpath CLASSPATH --models DIRECTORY [--models ...] --out FILE
        [--page PAGE] [NAME ...]

CLASSPATH is that of the benchmarks module, of jars, so that Java can archive its classes. A directory
holds models with golden.npz, as make_models.py writes them. For each model, processes of both sides
take turns; each loads the model, makes a first step on its one batch, warms up, and goes on for some
time. Both have TensorFlow's default threads and the same settings of malloc; Java is started as
./fadam starts it, with the options below and an archive of its classes. FILE gets, for each model and
side, medians over the rounds: `step`, the median of a process' steps after its warm-up, and `first`,
from the start of the process to its first step's end; or why a model could not be timed. --page writes
all that FILE holds as a table between the two marks of a page.

Both warm up for 200 steps, at most some seconds: the JVM still compiles in the first ones, and
TensorFlow's executor learns what operations cost.

Python trains as its users do: the loaded signature under a tape in one tf.function, gradients of
tables as rows; TensorFlow 1's models in a session.
"""

import argparse
import json
import os
import pathlib
import shlex
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
WARM_STEPS = 200
LEAST_STEPS = 15  # a median of fewer says little
UNTIMED = (RuntimeError, ValueError, KeyError, IndexError, OSError)
LONGEST = 600  # seconds that a process may take
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
BEGIN, END = "<!-- model steps: begin -->", "<!-- model steps: end -->"


# ---------------------------------------------------------------- one process of Python's side


def python_process(model, started, warm_seconds, seconds):
    import tensorflow as tf

    from zoo.golden import Golden

    golden = Golden.read(model)
    step = session_step(tf, golden, model) if golden.in_session else tape_step(tf, golden, model)
    step()
    first = time.time() - started
    begun = time.perf_counter()
    made = 1
    while made < WARM_STEPS and time.perf_counter() - begun < warm_seconds:
        step()
        made += 1
    times = []
    begun = time.perf_counter()
    while len(times) < LEAST_STEPS or time.perf_counter() - begun < seconds:
        before = time.perf_counter()
        step()
        times.append(time.perf_counter() - before)
    print(json.dumps({"first": first, "step": statistics.median(times), "steps": len(times)}))


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


def loop_shapes(model, golden):
    """INPUT=SIZES of the inputs whose sizes a model with loops leaves open, as ./fadam finds them."""
    from zoo.golden import read_description

    meta = read_description(model)
    functions = meta.graph_def.library.function
    if not any(node.op.endswith("While") for f in functions for node in f.node_def):
        return ""
    inputs = meta.signature_def["serving_default"].inputs
    open_sizes = [
        name for name, info in inputs.items() if any(d.size < 0 for d in info.tensor_shape.dim[1:])
    ]
    return " ".join(
        f"{name}={','.join(map(str, (-1, *golden.inputs[name].shape[1:])))}" for name in open_sizes
    )


def measured(command):
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | MALLOC, timeout=LONGEST
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"not done within {LONGEST} s") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        # Java names the exception before its stack, Python after it.
        last = lines[-1] if lines else f"exit status {done.returncode}"
        raise RuntimeError(next((x for x in lines if x.startswith("Exception in")), last))
    return json.loads(done.stdout.strip().splitlines()[-1])


def java_program():
    return os.path.join(os.environ["JAVA_HOME"], "bin/java") if "JAVA_HOME" in os.environ else "java"


class Sides:
    """How the processes of both sides are started."""

    def __init__(self, arguments, folder):
        self.classpath = arguments.classpath
        self.options = shlex.split(arguments.java_options)
        self.times = [str(arguments.warm_seconds), str(arguments.seconds)]
        self.folder = folder

    def archive(self, model):
        """Has one run of Java leave its classes for the others; False where it cannot."""
        archive = self.folder / "classes.jsa"
        fresh = [*self.options, f"-XX:ArchiveClassesAtExit={archive}"]
        try:
            measured(self.java(model, self.data(model), fresh))
        except UNTIMED:
            return False
        if not archive.exists():
            return False
        self.options += ["-Xlog:cds=off", "-Xlog:cds+dynamic=off", f"-XX:SharedArchiveFile={archive}"]
        return True

    def data(self, model):
        import numpy as np

        from zoo.golden import Golden

        golden = Golden.read(model)
        labels = golden.labels
        if isinstance(labels, dict):
            columns = {f"labels:{name}": value for name, value in labels.items()}
        else:
            columns = {"labels": labels}
        np.savez(self.folder / "data.npz", **golden.inputs, **columns)
        losses = golden.loss
        texts = [f"{o}={n}" for o, n in losses.items()] if isinstance(losses, dict) else [losses]
        shapes = loop_shapes(model, golden)
        return [shapes, str(golden.from_logits).lower(), golden.loss_output or "", *texts]

    def java(self, model, loss, options):
        data = str(self.folder / "data.npz")
        main = [*options, "-cp", self.classpath, "io.github.fadam.benchmarks.ModelSteps"]
        return [java_program(), *main, str(model), data, repr(time.time()), *self.times, *loss]

    def python(self, model):
        return [sys.executable, __file__, "--side", str(model), repr(time.time()), *self.times]

    def compare(self, model, rounds):
        loss = self.data(model)
        found = {"java": [], "python": []}
        for _ in range(rounds):
            found["java"].append(measured(self.java(model, loss, self.options)))
            found["python"].append(measured(self.python(model)))
        return {
            side: {key: statistics.median(run[key] for run in runs) for key in ("first", "step")}
            for side, runs in found.items()
        }


# ---------------------------------------------------------------- what is told


def ratio(times, key):
    return times["java"][key] / times["python"][key]


def line(name, times):
    if "error" in times:
        return f"{name}: {times['error']}"
    java, python = times["java"], times["python"]
    return (
        f"{name}: step {java['step'] * 1e3:.2f} / {python['step'] * 1e3:.2f} ms"
        f" = {ratio(times, 'step'):.2f}, first {java['first']:.1f} /"
        f" {python['first']:.1f} s = {ratio(times, 'first'):.2f}"
    )


def summary(models):
    timed = {name: times for name, times in models.items() if "error" not in times}
    if not timed:
        return "No model was timed."

    def of(key, bound):
        ratios = {name: ratio(times, key) for name, times in timed.items()}
        worst = max(ratios, key=ratios.get)
        above = sum(value > bound for value in ratios.values())
        return (
            f"median {statistics.median(ratios.values()):.2f}, worst {ratios[worst]:.2f}"
            f" (`{worst}`), above {bound:g} in {above}"
        )

    return (
        f"{len(timed)} of {len(models)} models timed. Java's step over Python's: {of('step', 1.05)}."
        f" First step: {of('first', 0.5)}."
    )


def table(models):
    lines = ["| model | Java, ms a step | Python | ratio | Java, first, s | Python | ratio |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for name, times in sorted(models.items()):
        if "error" in times:
            lines.append(f"| `{name}` | {times['error'].replace('|', '/')[:200]} | | | | | |")
            continue
        java, python = times["java"], times["python"]
        lines.append(
            f"| `{name}` | {java['step'] * 1e3:.2f} | {python['step'] * 1e3:.2f}"
            f" | {ratio(times, 'step'):.2f} | {java['first']:.1f} | {python['first']:.1f}"
            f" | {ratio(times, 'first'):.2f} |"
        )
    return "\n".join(lines)


def write_page(page, results):
    text = page.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    models = results["models"]
    told = f"{results['conditions']}\n\n{table(models)}\n\n{summary(models)}"
    page.write_text(f"{before}{BEGIN}\n{told}\n{END}{after}")


def conditions(arguments, archived):
    java = f"`java {arguments.java_options}`" if arguments.java_options else "`java`"
    return (
        f"Medians of {arguments.rounds} rounds, {os.cpu_count()} cores; each process warmed up for"
        f" {WARM_STEPS} steps or {arguments.warm_seconds:g} s and was timed for {arguments.seconds:g} s"
        f" after that. Java: {java}{', with an archive of its classes' if archived else ''}."
    )


def main():
    if sys.argv[1:2] == ["--side"]:
        python_process(pathlib.Path(sys.argv[2]), *map(float, sys.argv[3:6]))
        return
    parser = argparse.ArgumentParser(description="Times steps in Java and Python.")
    parser.add_argument("--classpath", required=True)
    parser.add_argument("--models", required=True, action="append", type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--page", type=pathlib.Path, help="a page with the two marks")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--warm-seconds", type=float, default=4)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--java-options", default=JAVA_OPTIONS)
    parser.add_argument("names", nargs="*", help="which models, all of them if none is named")
    arguments = parser.parse_args()
    found = {
        path.parent.name: path.parent
        for directory in arguments.models
        for path in sorted(directory.glob("*/golden.npz"))
    }
    unknown = set(arguments.names) - found.keys()
    if unknown or not found:
        sys.exit(f"Expected models with golden.npz in {arguments.models}, found no {unknown or 'any'}.")
    wanted = arguments.names or found.keys()
    chosen = {name: path for name, path in found.items() if name in wanted}
    results = json.loads(arguments.out.read_text()) if arguments.out.exists() else {"models": {}}
    with tempfile.TemporaryDirectory() as folder:
        sides = Sides(arguments, pathlib.Path(folder))
        archived = any(sides.archive(model) for model in list(chosen.values())[:3])
        if not archived:
            print("Java archives no classes of this class path: it is not of jars.", file=sys.stderr)
        results["conditions"] = conditions(arguments, archived)
        for name, model in chosen.items():
            try:
                times = sides.compare(model, arguments.rounds)
            except UNTIMED as error:
                times = {"error": str(error)}
            results["models"][name] = times
            arguments.out.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n")
            print(line(name, times), flush=True)
    print(summary(results["models"]))
    if arguments.page:
        write_page(arguments.page, results)


if __name__ == "__main__":
    main()
