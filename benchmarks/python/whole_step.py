"""Times whole training steps in Java and in Python's Keras, side by side.

    python whole_step.py --classpath CLASSPATH [--work DIRECTORY] [--out FILE] [--page FILE] [NAME ...]

CLASSPATH is that of the benchmarks module, of jars, so that Java can archive its classes; Python needs
what savedmodel-tools' tests need. Keras models (LeNet, MobileNetV2 on 96 x 96, a small BERT-like
encoder, an LSTM of 32, 16 and 8 time steps, a GRU of 32 and 8) are made with random weights, once as
.keras for Python and once exported as a SavedModel for Java, with the same data. Batch normalisation is
frozen, so that both sides train the same variables in the same way.

The contestants are processes of their own with TensorFlow's default threads and the same settings of
malloc, Java started as ./fadam starts it, SGD for all: FineTuner with --xla off, step and auto; Keras'
fit and a loop around a tf.function, each with jit_compile on and off. They start one after the other,
each after the last one's first step; `first` is from the start of the process to that step's end (JVM or
import, load, trace, gradients, compilation). Then they stay, and train in short turns while the others
wait, so that a machine whose speed changes is slow for all of them; `steps` has the median time from one
step to the next of each turn, `session` the median part in Java's Session.run. A ratio is the median of
the turns' ratios. A round starts all processes anew. FILE of --out gets all of that as JSON and keeps
other models', that of --page all that the first FILE holds as tables between its two marks.
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
FEWEST = 3  # steps of a turn
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


def answer(**found):
    print(json.dumps(found), flush=True)


class Turns:
    """The steps of a process: a line on standard input is a turn, its seconds; the end of it, the end."""

    def __init__(self, started):
        self.started = started
        self.seconds = None
        self.ends = []

    def ended(self):
        """Notes the end of a step; says whether there is another."""
        if self.seconds is None:
            answer(first=time.time() - self.started)
            return self.wait()
        self.ends.append(time.perf_counter())
        if len(self.ends) <= FEWEST or self.ends[-1] - self.ends[0] < self.seconds:
            return True
        answer(step=statistics.median(b - a for a, b in zip(self.ends, self.ends[1:])))
        return self.wait()

    def wait(self):
        line = sys.stdin.readline()
        self.seconds = float(line or 0)
        self.ends = []
        return bool(line)


def python_process(name, directory, contestant, started):
    import keras
    import numpy as np

    with_fit, jit = PYTHON[contestant]
    arrays = np.load(directory / "data.npz")
    labels = arrays["labels"]
    inputs = arrays[next(key for key in arrays.files if key != "labels")]
    net = keras.models.load_model(directory / "model.keras", compile=False)
    run = by_fit if with_fit else by_function
    run(keras, net, inputs, labels, BATCHES[name], jit, Turns(started))


def by_fit(keras, net, inputs, labels, batch, jit, turns):
    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, number, logs=None):
            self.model.stop_training = not turns.ended()

    net.compile(
        keras.optimizers.SGD(RATE),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=jit,
    )
    net.fit(inputs, labels, batch, 1_000_000, shuffle=False, verbose=0, callbacks=[Clock()])


def by_function(keras, net, inputs, labels, batch, jit, turns):
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
    for x, y in data.prefetch(2):
        float(step(x, y))
        if not turns.ended():
            return


# ---------------------------------------------------------------- all in turns


class Contestant:
    """A process that trains when it is told to."""

    def __init__(self, command):
        self.command = command
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=os.environ | ENVIRONMENT,
        )

    def answer(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        self.errors.seek(0)
        raise RuntimeError(f"{self.command[:2]} failed:\n{self.errors.read()[-2000:]}")

    def turn(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return self.answer()["step"]

    def end(self):
        """What it says at last, if anything."""
        self.process.stdin.close()
        last = [line for line in self.process.stdout if line.startswith("{")]
        self.process.wait()
        return json.loads(last[-1]) if last else {}

    def kill(self):
        self.process.kill()
        self.process.wait()


def command(name, directory, contestant, java):
    if contestant in PYTHON:
        side = [sys.executable, __file__, "--side", name, str(directory), contestant]
        return [*side, repr(time.time())]
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
    ]


def archived(name, directory, java, archive):
    """Java's options with an archive of its classes, which one run leaves if it is given jars."""
    if not archive.exists():
        fresh = [f"-XX:ArchiveClassesAtExit={archive}", *java]
        contestant = Contestant(command(name, directory, "Java, XLA", fresh))
        contestant.answer()
        contestant.turn(0)
        contestant.end()
    kept = ["-Xlog:cds=off", "-Xlog:cds+dynamic=off", f"-XX:SharedArchiveFile={archive}"]
    return [*kept, *java] if archive.exists() else java


def one_round(name, directory, java, turns, seconds, found):
    """Starts all, lets them train in turns, and adds what they say to what was found."""
    running = {}
    try:
        for contestant, values in found.items():
            running[contestant] = Contestant(command(name, directory, contestant, java))
            values.setdefault("first", []).append(running[contestant].answer()["first"])
        for process in running.values():
            process.turn(seconds)  # The first steps of all are slower.
        for _ in range(turns):
            for contestant, process in running.items():
                found[contestant].setdefault("steps", []).append(process.turn(seconds))
        for contestant, process in running.items():
            found[contestant].update(process.end())
    finally:
        for process in running.values():
            process.kill()


def compare(name, directory, java, archive, rounds, turns, seconds):
    if not directory.exists():
        subprocess.run(
            [sys.executable, __file__, "--make", name, str(directory)],
            check=True,
            env=os.environ | ENVIRONMENT,
        )
    java = archived(name, directory, java, archive)
    found = {contestant: {} for contestant in [*JAVA, *PYTHON]}
    for _ in range(rounds):
        one_round(name, directory, java, turns, seconds, found)
    return found


def ratios(found):
    """What Java is held against: the same mode of both of Python's ways, and the best for auto."""

    def paired(key, ours, theirs):
        pairs = zip(found[ours][key], found[theirs][key], strict=True)
        return statistics.median(a / b for a, b in pairs)

    best = min(PYTHON, key=lambda name: statistics.median(found[name]["steps"]))
    return {
        "plain / fit": paired("steps", "Java", "fit"),
        "plain / tf.function": paired("steps", "Java", "tf.function"),
        "XLA / fit, XLA": paired("steps", "Java, XLA", "fit, XLA"),
        "XLA / tf.function, XLA": paired("steps", "Java, XLA", "tf.function, XLA"),
        "auto / best of Python": paired("steps", "Java, auto", best),
        "first, plain / fit": paired("first", "Java", "fit"),
        "first, XLA / fit, XLA": paired("first", "Java, XLA", "fit, XLA"),
        "loop / Session.run": found["Java"]["step"] / found["Java"]["session"],
    }


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join(["---"] * len(header)) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def tables(times):
    contestants = [*JAVA, *PYTHON]
    steps = [
        [f"`{name}`", *(f"{statistics.median(found[c]['steps']) * 1e3:.2f}" for c in contestants)]
        for name, found in times.items()
    ]
    firsts = [
        [f"`{name}`", *(f"{statistics.median(found[c]['first']):.1f}" for c in contestants)]
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
        name, directory, contestant, started = sys.argv[2:]
        python_process(name, pathlib.Path(directory), contestant, float(started))
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
    parser.add_argument("--turns", type=int, default=8, help="of each process in a round")
    parser.add_argument("--seconds", type=float, default=0.5, help="of a turn, of 3 steps at least")
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
                name,
                arguments.work / name,
                java,
                archive,
                arguments.rounds,
                arguments.turns,
                arguments.seconds,
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
