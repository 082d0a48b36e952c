"""Writes docs/support.md from what a run found, or checks that the file says what the run found.

    TIMES=benchmarks/results/model_steps.json
    python support_table.py target/zoo --times $TIMES --write docs/support.md --readme README.md
    python support_table.py --times $TIMES --retime docs/support.md
    python support_table.py target/zoo --times $TIMES --check docs/support.md

target/zoo is what ModelZooTest and check_zoo.py left, --times what benchmarks/python/model_steps.py
wrote. --readme puts the table's summary between the two marks in a README. --retime writes new times
into a table that is there. The check compares the models of this run, of which there may be fewer than
in the table, and the table's times with those of the file.
"""

import argparse
import json
import pathlib
import sys

TEXT = """# Which models train

Written by a run of the tests: each model below is made by Python from a seed (tiny, random weights),
trained in Java, exported, and loaded in Python again. `.ci/run --full` runs all of them, `.ci/run` a
fixed part, and both fail where this table is no longer true.

- **Original**: the inlined signature's outputs against the signature's: the same bits, or within 1e-6
  where the original compiles parts of itself with XLA, whose rounding is its own.
- **As Python**: five steps of plain SGD on the same batches. Every loss is within 1e-5 of Python's
  (relative), every weight within 1e-4 and within 1 % of the largest move; in half precision within
  2e-2. Through fifty layers rounding alone moves Python's own losses by more than 1e-5 (ResNet50: 2e-4):
  for such models within twice that. Frozen variables keep every bit. FAdam lowers the loss.
- **Loads in**: the loaders whose outputs for the export equal Java's: `load` is `tf.saved_model.load`,
  `layer` Keras 3's `TFSMLayer` (which takes one input only from a Keras 2 save), `keras` tf_keras'
  `load_model`, `session` TensorFlow 1's loader.
- **XLA**: the same steps compiled as one function give the same losses and weights, to the same
  tolerances; or the operations for which compiling is refused beforehand.
- **Time**: milliseconds of a plain SGD step, Java / Python, medians of runs that take turns
  ([how](../benchmarks/README.md)). At these sizes it is mostly the cost of starting operations.

"""

KINDS = {
    "keras3_": "Keras 3",
    "multi_io": "Keras 3",
    "tfkeras_": "tf_keras",
    "tf1_": "TensorFlow 1",
    "tf_": "tf.Module",
}

WAYS = {
    "tf.saved_model.load": "load",
    "TFSMLayer": "layer",
    "load_model": "keras",
    "v1 session": "session",
}

HEADER = ["model", "kind", "original", "as Python", "loads in", "XLA", "ms a step, Java / Python"]
CHECKED = slice(2, 6)  # the columns that every run finds again, but for what it has not tried
BEGIN, END = "<!-- support: begin -->", "<!-- support: end -->"


def kind(name):
    return next((k for prefix, k in KINDS.items() if name.startswith(prefix)), "Hugging Face")


def cells(result):
    """What the table says of a model, without times."""
    if "inlinedDiffers" not in result:
        return ["FAILED", "", ""]
    original = "same bits" if result["inlinedDiffers"] == 0 else "within 1e-6"
    if not result.get("trained"):
        return [original, "FAILED", ""]
    loaders = result.get("loaders", {})
    loads = [WAYS[way] if right else f"NOT {WAYS[way]}" for way, right in loaders.items()]
    return [original, "yes", ", ".join(loads)]


def xla_cell(result):
    """Empty where this run has not tried."""
    if result.get("xla") is False:
        return "no: " + ", ".join(f"`{op}`" for op in result["xlaReason"])
    return "yes" if result.get("xla") else ""


def time_cell(times):
    if not times or "error" in times:
        return ""
    java, python = times["java"]["step"] * 1e3, times["python"]["step"] * 1e3
    return f"{java:.3g} / {python:.3g}"


def rows_in(text):
    """{model: all cells} of a written table."""
    rows = {}
    for line in text.splitlines():
        parts = [part.strip() for part in line.strip("|").split("|")]
        if line.startswith("| `") and len(parts) == len(HEADER):
            rows[parts[0].strip("`")] = parts
    return rows


def retime(path, times):
    """Leaves everything but the last column as it is."""
    rows = rows_in(path.read_text())
    lines = []
    for line in path.read_text().splitlines():
        name = line.split("`")[1] if line.startswith("| `") else None
        if name in rows:
            line = "| " + " | ".join([*rows[name][:-1], time_cell(times.get(name))]) + " |"
        lines.append(line)
    path.write_text("\n".join(lines) + "\n")


def write(path, results, times):
    lines = ["| " + " | ".join(HEADER) + " |", "| " + " | ".join(["---"] * len(HEADER)) + " |"]
    for name in sorted(results, key=lambda name: (kind(name), name)):
        result = results[name]
        row = [f"`{name}`", kind(name), *cells(result), xla_cell(result), time_cell(times.get(name))]
        lines.append("| " + " | ".join(row) + " |")
    trained = sum(bool(result.get("trained")) for result in results.values())
    summary = f"{trained} of {len(results)} models train as in Python.\n"
    path.write_text(TEXT + summary + "\n" + "\n".join(lines) + "\n")
    print(summary, end="")


def summarize(path, results):
    """One row for each kind of model, between the marks."""
    lines = ["| kind of SavedModel | tested models | train as in Python | exports load in |"]
    lines.append("| --- | --- | --- | --- |")
    for name in sorted({kind(model) for model in results}):
        of_kind = [result for model, result in results.items() if kind(model) == name]
        trained = [result for result in of_kind if result.get("trained")]
        right = [
            {way for way, loaded in result.get("loaders", {}).items() if loaded}
            for result in trained
        ]
        everywhere = [way for way in WAYS if right and any(way in ways for ways in right)]
        row = [name, str(len(of_kind)), str(len(trained)), ", ".join(f"`{w}`" for w in everywhere)]
        lines.append("| " + " | ".join(row) + " |")
    text = path.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}")


def check(path, results, times):
    written = rows_in(path.read_text())
    wrong = []
    for name, result in results.items():
        found = [*cells(result), xla_cell(result)]
        told = written[name][CHECKED] if name in written else None
        if told and not found[-1]:  # this run has not compiled it
            told[-1] = ""
        if found != told:
            wrong.append(f"{name}: found {found}, {path} says {told}")
    for name, row in written.items() if times else []:
        if row[-1] != time_cell(times.get(name)):
            wrong.append(
                f"{name}: measured {time_cell(times.get(name)) or 'nothing'}, {path} says"
                f" {row[-1] or 'nothing'}; run support_table.py --retime"
            )
    print("\n".join(wrong) or f"{path} is true of {len(results)} models")
    return 1 if wrong or not results else 0


def main():
    parser = argparse.ArgumentParser(description="The table of models that train.")
    parser.add_argument("results", type=pathlib.Path, nargs="?")
    parser.add_argument("--times", type=pathlib.Path)
    parser.add_argument("--readme", type=pathlib.Path)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", type=pathlib.Path)
    choice.add_argument("--check", type=pathlib.Path)
    choice.add_argument("--retime", type=pathlib.Path)
    arguments = parser.parse_args()
    times = json.loads(arguments.times.read_text())["models"] if arguments.times else {}
    if arguments.retime:
        if not times:
            parser.error("--retime needs the --times to write")
        retime(arguments.retime, times)
        return
    if not arguments.results:
        parser.error("the directory with the results of a run is needed")
    results = {
        path.parent.name: json.loads(path.read_text())
        for path in sorted(arguments.results.glob("*/result.json"))
    }
    if arguments.check:
        sys.exit(check(arguments.check, results, times))
    write(arguments.write, results, times)
    if arguments.readme:
        summarize(arguments.readme, results)


if __name__ == "__main__":
    main()
