"""Times whole training steps in Java and in Python's Keras, side by side.

    python whole_step.py --classpath CLASSPATH [--work DIRECTORY] [--out FILE] [--page FILE] [NAME ...]

CLASSPATH is that of the benchmarks module, of jars, so that Java can archive its classes; Python needs
what savedmodel-tools' tests need. Keras models (LeNet, MobileNetV2 on 96 x 96, a small BERT-like
encoder, an LSTM of 32, 16 and 8 time steps, a GRU of 32 and 8) are made with random weights, once as
.keras for Python and once exported as a SavedModel for Java, with the same data. Batch normalisation is
frozen, so that both sides train the same variables in the same way.

For each model the contestants take turns, each in a process of its own with TensorFlow's default
threads and the same settings of malloc, Java started as ./fadam starts it, SGD for all: FineTuner with
--xla off, step and auto; Keras' fit and a loop around a tf.function, each with jit_compile on and off.
`first` is from the start of the process to the end of the first step (JVM or import, load, trace,
gradients, compilation), `step` the median time from one step to the next, of `session` the part in
Java's Session.run. FILE of --out gets the medians over the rounds as JSON and keeps other models', that
of --page all that the first FILE holds as tables between its two marks.
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

from model_steps import JAVA_OPTIONS

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "137438953472",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}
JAVA = {"Java": "off", "Java, XLA": "step", "Java, auto": "auto"}
PYTHON = {
    "fit": (True, False),
    "fit, XLA": (True, True),
    "tf.function": (False, False),
    "tf.function, XLA": (False, True),
}
BATCHES = {
    "lenet": 32,
    "mobilenetv2": 8,
    "bert": 8,
    "lstm": 32,
    "lstm_16": 32,
    "lstm_8": 32,
    "gru": 32,
    "gru_8": 32,
}
ROWS = 16  # batches of data
CLASSES = 10
RATE = 1e-6
SEED = 20


# ---------------------------------------------------------------- the models


def lenet(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            layers.Conv2D(6, 5, padding="same", activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="tanh"),
            layers.Dense(84, activation="tanh"),
            layers.Dense(CLASSES),
        ]
    )


def mobilenetv2(keras):
    return keras.applications.MobileNetV2(
        input_shape=(96, 96, 3), weights=None, classes=CLASSES, classifier_activation=None
    )


def bert(keras, length=64, vocabulary=1000, width=128, heads=2, depth=2):
    """The sizes of the smallest published BERT."""
    layers = keras.layers
    tokens = keras.Input((length,), dtype="int32", name="tokens")
    x = layers.Embedding(vocabulary, width)(tokens)
    for _ in range(depth):
        attended = layers.MultiHeadAttention(heads, width // heads)(x, x)
        x = layers.LayerNormalization()(layers.Add()([x, attended]))
        wide = layers.Dense(4 * width, activation="gelu")(x)
        x = layers.LayerNormalization()(layers.Add()([x, layers.Dense(width)(wide)]))
    pooled = layers.GlobalAveragePooling1D()(x)
    return keras.Model(tokens, layers.Dense(CLASSES)(pooled))


def recurrent(keras, layer, time_steps):
    return keras.Sequential(
        [
            keras.Input((time_steps, 16), name="series"),
            layer(64),
            keras.layers.Dense(CLASSES),
        ]
    )


def lstm(keras, time_steps=32):
    return recurrent(keras, keras.layers.LSTM, time_steps)


def lstm_16(keras):
    return lstm(keras, 16)


def lstm_8(keras):
    return lstm(keras, 8)


def gru(keras, time_steps=32):
    return recurrent(keras, keras.layers.GRU, time_steps)


def gru_8(keras):
    return gru(keras, 8)


def make(name, directory):
    """One model with its data, in the forms that the two sides read."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(SEED)
    net = globals()[name](keras)
    for layer in net.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    directory.mkdir(parents=True)
    net.save(directory / "model.keras")
    net.export(directory / "saved", verbose=False)
    rng = np.random.default_rng(SEED)
    rows = ROWS * BATCHES[name]
    shape = (rows, *net.input_shape[1:])
    if net.inputs[0].dtype == "int32":
        inputs = rng.integers(0, 1000, shape, dtype="int32")
    else:
        inputs = rng.normal(0, 1, shape).astype("float32")
    labels = rng.integers(0, CLASSES, rows).astype("int64")
    np.savez(directory / "data.npz", **{net.inputs[0].name: inputs, "labels": labels})


# ---------------------------------------------------------------- one process of Python's side


def python_process(name, directory, contestant, started, seconds):
    import keras
    import numpy as np

    with_fit, jit = PYTHON[contestant]
    arrays = np.load(directory / "data.npz")
    labels = arrays["labels"]
    inputs = arrays[next(key for key in arrays.files if key != "labels")]
    net = keras.models.load_model(directory / "model.keras", compile=False)
    run = by_fit if with_fit else by_function
    ends, first = run(keras, net, inputs, labels, BATCHES[name], jit, started, seconds)
    steps = [after - before for before, after in zip(ends, ends[1:])]
    print(json.dumps({"first": first, "step": statistics.median(steps)}))


def is_over(ends, seconds):
    return len(ends) >= 5 and ends[-1] - ends[0] > seconds


def by_fit(keras, net, inputs, labels, batch, jit, started, seconds):
    ends = []
    first = None

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, number, logs=None):
            nonlocal first
            first = first or time.time() - started
            ends.append(time.perf_counter())
            if is_over(ends, seconds):
                self.model.stop_training = True

    net.compile(
        keras.optimizers.SGD(RATE),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=jit,
    )
    while not is_over(ends, seconds):
        net.fit(inputs, labels, batch, 1000, shuffle=False, verbose=0, callbacks=[Clock()])
    return ends, first


def by_function(keras, net, inputs, labels, batch, jit, started, seconds):
    import tensorflow as tf

    optimizer = keras.optimizers.SGD(RATE)
    optimizer.build(net.trainable_variables)
    compute = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function(jit_compile=jit)
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = compute(y, net(x, training=True))
        gradients = tape.gradient(loss, net.trainable_variables)
        optimizer.apply_gradients(zip(gradients, net.trainable_variables))
        return loss

    data = tf.data.Dataset.from_tensor_slices((inputs, labels)).batch(batch).repeat()
    ends = []
    first = None
    for x, y in data.prefetch(2):
        float(step(x, y))
        first = first or time.time() - started
        ends.append(time.perf_counter())
        if is_over(ends, seconds):
            return ends, first


# ---------------------------------------------------------------- all in turns


def measured(command):
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | ENVIRONMENT)
    if done.returncode:
        raise RuntimeError(f"{command[:2]} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def command(name, directory, contestant, java, seconds):
    if contestant in PYTHON:
        side = [sys.executable, __file__, "--side", name, str(directory), contestant]
        return [*side, repr(time.time()), str(seconds)]
    home = os.environ.get("JAVA_HOME")
    return [
        os.path.join(home, "bin/java") if home else "java",
        *java,
        "io.github.fadam.benchmarks.WholeStep",
        str(directory / "saved"),
        str(directory / "data.npz"),
        str(BATCHES[name]),
        JAVA[contestant],
        repr(time.time()),
        str(seconds),
    ]


def archived(name, directory, java, archive):
    """Java's options with an archive of its classes, which one run leaves if it is given jars."""
    fresh = [f"-XX:ArchiveClassesAtExit={archive}", *java]
    if not archive.exists():
        measured(command(name, directory, "Java, XLA", fresh, 0.1))
    kept = ["-Xlog:cds=off", "-Xlog:cds+dynamic=off", f"-XX:SharedArchiveFile={archive}"]
    return [*kept, *java] if archive.exists() else java


def compare(name, directory, java, archive, rounds, seconds):
    if not directory.exists():
        subprocess.run(
            [sys.executable, __file__, "--make", name, str(directory)],
            check=True,
            env=os.environ | ENVIRONMENT,
        )
    java = archived(name, directory, java, archive)
    runs = {contestant: [] for contestant in [*JAVA, *PYTHON]}
    for _ in range(rounds):
        for contestant, found in runs.items():
            found.append(measured(command(name, directory, contestant, java, seconds)))
    return {
        contestant: {
            key: statistics.median(run[key] for run in found)
            if isinstance(value, float)
            else value
            for key, value in found[-1].items()
        }
        for contestant, found in runs.items()
    }


def ratios(found):
    """What Java is held against: the same mode of both of Python's ways, and the best for auto."""
    step = {contestant: values["step"] for contestant, values in found.items()}
    first = {contestant: values["first"] for contestant, values in found.items()}
    return {
        "plain / fit": step["Java"] / step["fit"],
        "plain / tf.function": step["Java"] / step["tf.function"],
        "XLA / fit, XLA": step["Java, XLA"] / step["fit, XLA"],
        "XLA / tf.function, XLA": step["Java, XLA"] / step["tf.function, XLA"],
        "auto / best of Python": step["Java, auto"] / min(step[name] for name in PYTHON),
        "first, plain / fit": first["Java"] / first["fit"],
        "first, XLA / fit, XLA": first["Java, XLA"] / first["fit, XLA"],
        "loop / Session.run": step["Java"] / found["Java"]["session"],
    }


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join(["---"] * len(header)) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def tables(times):
    contestants = [*JAVA, *PYTHON]
    steps = [
        [f"`{name}`", *(f"{found[c]['step'] * 1e3:.2f}" for c in contestants)]
        for name, found in times.items()
    ]
    firsts = [
        [f"`{name}`", *(f"{found[c]['first']:.1f}" for c in contestants)]
        for name, found in times.items()
    ]
    held = {name: ratios(found) for name, found in times.items()}
    names = list(times)
    compared = [
        [ratio, *(f"{held[name][ratio]:.2f}" for name in names)] for ratio in held[names[0]]
    ]
    chosen = [
        f"`{name}`: {'compiled' if found['Java, auto']['compiled'] else 'not compiled'},"
        f" {found['Java, auto']['reason']}"
        for name, found in times.items()
    ]
    return "\n".join(
        [
            "Milliseconds from step to step:\n",
            table(["model", *contestants], steps),
            "Seconds to the end of the first step:\n",
            table(["model", *contestants], firsts),
            "Ratios:\n",
            table(["", *(f"`{name}`" for name in names)], compared),
            "What `auto` chose: " + "; ".join(chosen) + ".\n",
        ]
    )


def write(page, text):
    begin, end = "<!-- whole_step -->", "<!-- whole_step end -->"
    before, rest = page.read_text().split(begin)
    page.write_text(before + begin + "\n" + text + end + rest.split(end)[1])


def main():
    if sys.argv[1:2] == ["--side"]:
        name, directory, contestant, started, seconds = sys.argv[2:]
        python_process(name, pathlib.Path(directory), contestant, float(started), float(seconds))
        return
    if sys.argv[1:2] == ["--make"]:
        make(sys.argv[2], pathlib.Path(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description="Times whole steps in Java and Python.")
    parser.add_argument("--classpath", required=True)
    parser.add_argument("--work", type=pathlib.Path, default=REPOSITORY / "target/whole_step")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--page", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="of each process after its first step")
    parser.add_argument("--java-options", default=JAVA_OPTIONS)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BATCHES)}; all if none is named")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BATCHES)
    if unknown:
        parser.error(f"unknown models {sorted(unknown)}; there are {sorted(BATCHES)}")
    out = arguments.out
    java = [*shlex.split(arguments.java_options), "-cp", arguments.classpath]
    times = json.loads(out.read_text()) if out and out.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        archive = pathlib.Path(folder) / "classes.jsa"
        for name in arguments.names or BATCHES:
            times[name] = compare(
                name, arguments.work / name, java, archive, arguments.rounds, arguments.seconds
            )
            print(name, json.dumps(ratios(times[name])), flush=True)
            if out:
                out.write_text(json.dumps(times, indent=2) + "\n")
    times = {name: times[name] for name in BATCHES if name in times}
    print(tables(times))
    if arguments.page:
        write(arguments.page, tables(times))


if __name__ == "__main__":
    main()
