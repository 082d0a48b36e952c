"""Golden values of the optimizers, from an independent float64 calculation.

    python fadam_golden.py            writes ../resources/golden/*.json, one file per optimizer
    python fadam_golden.py --check    computes them again and compares with what is committed

A file holds `data` (per series: the shape, the initial theta and one gradient per step, all exact
in float32) and `cases` (a series, all options, and the expected theta and slots after the steps in
`stored`). Tensors are flat, in C order. `expected` has `float64`, and `float32` where the range of
float32 changes the result: squares of gradients and slots below its smallest normal number are 0,
and squares above a quarter of its largest saturate. The arithmetic is float64 in both.

`beta2Hat` in fadam.json lists the bias-corrected decay for large and small t, computed with 60
decimal digits.
"""

import argparse
import dataclasses
import decimal
import json
import pathlib
import sys
import zlib

import numpy as np

STEPS = 20
STORED = (1, 2, 20)
FOLDER = pathlib.Path(__file__).resolve().parent.parent / "resources" / "golden"


@dataclasses.dataclass(frozen=True)
class Range:
    """Where a floating point type ends: largest finite and smallest positive normal number."""

    max: float
    min_normal: float

    def square(self, gradient):
        return np.minimum(self.flush(gradient * gradient), self.max / 4)

    def flush(self, x):
        """TensorFlow's kernels answer 0 where a result is below the smallest normal number."""
        return np.where(np.abs(x) < self.min_normal, 0.0, x)

    def saturate(self, x):
        return np.clip(x, -self.max, self.max)

    def sums(self, squared, axis):
        """Sums whose mean saturates, at once where the sum itself overflows."""
        count = max(1, squared.shape[axis])
        with np.errstate(over="ignore"):
            sums = np.sum(squared, axis=axis)
        bound = self.max / 4
        means = np.where(sums > self.max, bound, np.minimum(sums / count, bound))
        return count * self.flush(means)


FLOAT32 = Range(float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny))
FLOAT64 = Range(float(np.finfo(np.float64).max), float(np.finfo(np.float64).tiny))


def rms(x):
    largest = np.max(np.abs(x), initial=0.0)
    if largest == 0:
        return 0.0
    return float(largest * np.sqrt(np.mean((x / largest) ** 2)))


def clipped(x, threshold):
    """x / max(1, RMS(x) / c)."""
    return x if threshold is None else x / max(1.0, rms(x) / threshold)


def beta2_hat(beta2, t):
    """beta2 (1 - beta2^(t-1)) / (1 - beta2^t), through expm1."""
    if beta2 == 0 or t == 1:
        return 0.0
    log = np.log(beta2)
    return beta2 * np.expm1((t - 1) * log) / np.expm1(t * log)


# ---------------------------------------------------------------- the rules


@dataclasses.dataclass(frozen=True)
class FAdam:
    """Algorithm 1. Slots f (1 at first) and m (0 at first); m is not bias corrected."""

    learningRate: float = 0.05
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-15
    epsilonRule: str = "fixed"
    clip: float | None = 1.0
    weightDecay: float = 0.001
    exponent: float = 0.5

    def slots(self, theta):
        return {"f": np.ones_like(theta), "m": np.zeros_like(theta)}

    def reported(self, slots, t):
        return slots

    def added(self, gradient, limits):
        """What is added to f^p; never below the smallest normal number."""
        if self.epsilonRule == "fixed":
            term = self.epsilon ** (2 * self.exponent)
        elif self.epsilonRule == "by-size":
            term = (self.epsilon / max(1, gradient.size)) ** (2 * self.exponent)
        else:
            term = min(rms(gradient), 1.0) * self.epsilon
        return max(term, limits.min_normal)

    def update(self, theta, gradient, slots, t, limits):
        hat = beta2_hat(self.beta2, t)
        f = limits.flush(hat * slots["f"] + (1 - hat) * limits.square(gradient))
        d = f**self.exponent + self.added(gradient, limits)
        natural = clipped(gradient / d, self.clip)
        m = limits.flush(self.beta1 * slots["m"] + (1 - self.beta1) * natural)
        with np.errstate(over="ignore"):
            decay = clipped(limits.saturate(theta / d), self.clip)
        theta = theta - self.learningRate * (m + self.weightDecay * decay)
        return theta, {"f": f, "m": m}


@dataclasses.dataclass(frozen=True)
class Adam:
    """Algorithm 3 as it is meant: averages m and v apart from their bias correction.

    The slots of the file, f and m, are the corrected averages.
    """

    learningRate: float = 0.05
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    clip: float | None = 1.0
    weightDecay: float = 0.001

    def slots(self, theta):
        return {"m": np.zeros_like(theta), "v": np.zeros_like(theta)}

    def reported(self, slots, t):
        return {
            "f": slots["v"] / (1 - self.beta2**t),
            "m": slots["m"] / (1 - self.beta1**t),
        }

    def update(self, theta, gradient, slots, t, limits):
        m = self.beta1 * slots["m"] + (1 - self.beta1) * gradient
        v = self.beta2 * slots["v"] + (1 - self.beta2) * limits.square(gradient)
        slots = {"m": m, "v": v}
        corrected = self.reported(slots, t)
        step = clipped(corrected["m"] / (np.sqrt(corrected["f"]) + self.epsilon), self.clip)
        theta = theta - self.learningRate * (step + self.weightDecay * theta)
        return theta, slots


def factored(shape, smallest):
    return len(shape) >= 2 and min(shape[-2:]) >= smallest


class Factors:
    """R and C with the sums of Algorithms 2 and 4; the files have the means that are stored."""

    def __init__(self, shape, value):
        *batch, self.m, self.n = shape
        self.R = np.full((*batch, self.m), value * self.n)
        self.C = np.full((*batch, self.n), value * self.m)

    def moved(self, hat, squared, added, limits):
        result = Factors(squared.shape, 0.0)
        rows = limits.sums(squared, -1) + added * self.n
        columns = limits.sums(squared, -2) + added * self.m
        result.R = self.n * limits.flush((hat * self.R + (1 - hat) * rows) / self.n)
        result.C = self.m * limits.flush((hat * self.C + (1 - hat) * columns) / self.m)
        return result

    def fisher(self):
        total = self.R.sum(axis=-1)[..., None, None]
        total = np.where(total > 0, total, 1.0)
        return (self.R[..., :, None] / total) * self.C[..., None, :]

    def reported(self):
        return {"R": self.R / self.n, "C": self.C / self.m}


@dataclasses.dataclass(frozen=True)
class FAdafactor(FAdam):
    """Algorithm 2. Slots R, C and m of a matrix, f and m of a vector or scalar."""

    momentum: str = "full"
    minDimensionToFactor: int = 1

    def slots(self, theta):
        whole = not factored(theta.shape, self.minDimensionToFactor)
        fisher = np.ones_like(theta) if whole else Factors(theta.shape, 1.0)
        return {"f": fisher, "m": np.zeros_like(theta)}

    def reported(self, slots, t):
        fisher = slots["f"]
        shown = fisher.reported() if isinstance(fisher, Factors) else {"f": fisher}
        return shown if self.momentum == "none" else shown | {"m": slots["m"]}

    def update(self, theta, gradient, slots, t, limits):
        hat = beta2_hat(self.beta2, t)
        squared = limits.square(gradient)
        if isinstance(slots["f"], Factors):
            state = slots["f"].moved(hat, squared, 0.0, limits)
            f = state.fisher()
        else:
            state = f = limits.flush(hat * slots["f"] + (1 - hat) * squared)
        d = f**self.exponent + self.added(gradient, limits)
        with np.errstate(over="ignore"):
            natural = clipped(limits.saturate(gradient / d), self.clip)
            decay = clipped(limits.saturate(theta / d), self.clip)
        beta1 = 0.0 if self.momentum == "none" else self.beta1
        m = limits.flush(beta1 * slots["m"] + (1 - beta1) * natural)
        return theta - self.learningRate * (m + self.weightDecay * decay), {"f": state, "m": m}


@dataclasses.dataclass(frozen=True)
class Adafactor:
    """Algorithm 4: epsilon inside the average, the learning rate inside the momentum."""

    learningRate: float = 0.05
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-30
    clip: float | None = 1.0
    weightDecay: float = 0.001
    momentum: str = "full"
    minDimensionToFactor: int = 1

    def slots(self, theta):
        whole = not factored(theta.shape, self.minDimensionToFactor)
        fisher = np.zeros_like(theta) if whole else Factors(theta.shape, 0.0)
        return {"f": fisher, "m": np.zeros_like(theta)}

    reported = FAdafactor.reported

    def update(self, theta, gradient, slots, t, limits):
        hat = beta2_hat(self.beta2, t)
        squared = limits.square(gradient)
        if isinstance(slots["f"], Factors):
            state = slots["f"].moved(hat, squared, self.epsilon, limits)
            f = state.fisher()
        else:
            state = f = hat * slots["f"] + (1 - hat) * (squared + self.epsilon)
        natural = clipped(limits.saturate(gradient / np.sqrt(f)), self.clip)
        beta1 = 0.0 if self.momentum == "none" else self.beta1
        m = limits.flush(beta1 * slots["m"] + (1 - beta1) * self.learningRate * natural)
        return theta - m - self.weightDecay * theta, {"f": state, "m": m}


@dataclasses.dataclass(frozen=True)
class AdamW(Adam):
    """As PyTorch has it: theta shrinks first, then moves by the corrected averages."""

    clip: float | None = None
    weightDecay: float = 0.01

    def update(self, theta, gradient, slots, t, limits):
        theta = theta * (1 - self.learningRate * self.weightDecay)
        m = slots["m"] + (1 - self.beta1) * (gradient - slots["m"])
        v = self.beta2 * slots["v"] + (1 - self.beta2) * limits.square(gradient)
        root = np.sqrt(v) / np.sqrt(1 - self.beta2**t) + self.epsilon
        step = clipped(m / (1 - self.beta1**t) / root, self.clip)
        return theta - self.learningRate * step, {"m": m, "v": v}


@dataclasses.dataclass(frozen=True)
class Sgd:
    """m = momentum m + g; the step is m, or g + momentum m with Nesterov's look-ahead."""

    learningRate: float = 0.05
    momentum: float = 0.0
    nesterov: bool = False
    weightDecay: float = 0.0

    def slots(self, theta):
        return {"m": np.zeros_like(theta)} if self.momentum else {}

    def reported(self, slots, t):
        return slots

    def update(self, theta, gradient, slots, t, limits):
        step = gradient
        if self.momentum:
            m = self.momentum * slots["m"] + gradient
            slots = {"m": m}
            step = gradient + self.momentum * m if self.nesterov else m
        return theta - self.learningRate * (step + self.weightDecay * theta), slots


# ---------------------------------------------------------------- what they are tried on

SHAPES = {"scalar": (), "vector": (5,), "matrix": (3, 4), "rank4": (2, 3, 2, 4), "empty": (0,)}
KINDS = ("ordinary", "sparse", "wild")
MATRIX_KINDS = ("dead", "faint")


def dyadic(x):
    """Few digits, and exact in float32."""
    return np.round(x * 1024) / 1024


def series(name, kind):
    """Initial theta and the gradients of all steps.

    ordinary  between about -2 and 2
    sparse    nothing at all in the first step, then most elements only now and then, the last never
    wild      1e-25 in one element, 1e25 in another at some steps, ordinary ones between
    dead      nothing in the first row and in the last column, ever
    faint     about 1e-12: the product of a row's and a column's sum is too small for float32
    """
    shape = SHAPES[name]
    rng = np.random.default_rng(zlib.crc32(f"{kind} {name}".encode()))
    theta = dyadic(rng.normal(0, 1, shape))
    gradients = dyadic(rng.normal(0, 0.7, (STEPS,) + shape))
    flat = gradients.reshape(STEPS, -1)
    if kind == "sparse" and flat.size:
        flat[rng.uniform(size=flat.shape) < 0.6] = 0
        flat[0] = 0
        if flat.shape[1] > 1:
            flat[:, -1] = 0
    if kind == "wild" and flat.size:
        tiny, huge = np.float64(np.float32([1e-25, 1e25]))
        flat[: 6 if flat.shape[1] == 1 else STEPS, 0] = tiny
        flat[(6, 13), flat.shape[1] // 2] = (huge, -huge)
    if kind == "dead":
        gradients[..., 0, :] = 0
        gradients[..., -1] = 0
    if kind == "faint":
        gradients *= 2.0**-40
    return theta, gradients


FADAM_OPTIONS = {
    "default": {},
    "weight decay 0.1": {"weightDecay": 0.1},
    "no weight decay": {"weightDecay": 0.0},
    "no clip": {"clip": None},
    "clip 0.5": {"clip": 0.5},
    "clip 2": {"clip": 2.0},
    "exponent 0.3": {"exponent": 0.3, "weightDecay": 0.1},
    "exponent 0.7": {"exponent": 0.7, "weightDecay": 0.1},
    "exponent 1": {"exponent": 1.0, "weightDecay": 0.1},
    "epsilon 1e-8": {"epsilon": 1e-8, "weightDecay": 0.1},
    "epsilon 1e-12": {"epsilon": 1e-12, "weightDecay": 0.1},
    "epsilon 1e-20": {"epsilon": 1e-20, "weightDecay": 0.1},
    "epsilon 1e-20, exponent 1": {"epsilon": 1e-20, "exponent": 1.0, "weightDecay": 0.1},
    "epsilon 1e-8, exponent 0.3": {"epsilon": 1e-8, "exponent": 0.3},
    "beta1 0": {"beta1": 0.0},
    "beta2 0.98": {"beta2": 0.98},
    "beta2 0": {"beta2": 0.0},
    "by size": {"epsilonRule": "by-size", "epsilon": 1e-8, "weightDecay": 0.1},
    "by size, exponent 0.7": {"epsilonRule": "by-size", "epsilon": 1e-4, "exponent": 0.7},
    "by gradient": {"epsilonRule": "by-gradient", "weightDecay": 0.1},
    "by gradient, epsilon 1e-2": {"epsilonRule": "by-gradient", "epsilon": 1e-2},
}

ADAM_OPTIONS = {
    "default": {},
    "weight decay 0.1": {"weightDecay": 0.1},
    "no clip": {"clip": None, "weightDecay": 0.0},
    "clip 0.5": {"clip": 0.5},
    "epsilon 1e-3": {"epsilon": 1e-3},
    "beta1 0": {"beta1": 0.0},
    "beta2 0.98": {"beta2": 0.98},
}

FADAFACTOR_OPTIONS = {
    "default": {},
    "weight decay 0.1": {"weightDecay": 0.1},
    "no clip": {"clip": None, "weightDecay": 0.0},
    "exponent 0.3": {"exponent": 0.3, "weightDecay": 0.1},
    "exponent 0.7": {"exponent": 0.7, "weightDecay": 0.1},
    "exponent 1": {"exponent": 1.0, "weightDecay": 0.1},
    "epsilon 1e-20": {"epsilon": 1e-20, "weightDecay": 0.1},
    "language model": {"beta2": 0.99, "epsilon": 1e-12, "weightDecay": 0.1},
    "beta1 0": {"beta1": 0.0},
    "no momentum": {"momentum": "none"},
    "no dimension below 3": {"minDimensionToFactor": 3},
    "by gradient": {"epsilonRule": "by-gradient", "weightDecay": 0.1},
}

ADAFACTOR_OPTIONS = {
    "default": {},
    "no weight decay": {"weightDecay": 0.0},
    "no clip": {"clip": None},
    "beta2 0.98": {"beta2": 0.98},
    "epsilon 1e-3": {"epsilon": 1e-3},
    "no momentum": {"momentum": "none"},
    "no dimension below 4": {"minDimensionToFactor": 4},
}

ADAMW_OPTIONS = {
    "default": {},
    "weight decay 0.1": {"weightDecay": 0.1},
    "no weight decay": {"weightDecay": 0.0},
    "clip 1, epsilon 1e-3": {"clip": 1.0, "epsilon": 1e-3},
}

SGD_OPTIONS = {
    "default": {},
    "weight decay 0.1": {"weightDecay": 0.1},
    "momentum 0.9": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True, "weightDecay": 0.01},
}


def matrix_series_for(number):
    yield from series_for(number)
    for kind in MATRIX_KINDS:
        yield "matrix", kind
    yield "rank4", MATRIX_KINDS[number % 2]


def series_for(number):
    """Every option set meets every kind of series; the largest shape takes turns."""
    for kind in KINDS:
        yield "vector", kind
        yield "matrix", kind
    yield "scalar", KINDS[number % 3]
    yield "scalar", KINDS[(number + 1) % 3]
    yield "rank4", KINDS[number % 3]
    yield "empty", "ordinary"


def trajectory(rule, theta, gradients, limits):
    slots = rule.slots(theta)
    stored = {}
    for t, gradient in enumerate(gradients, start=1):
        theta, slots = rule.update(theta, gradient, slots, t, limits)
        if not all(np.all(np.isfinite(x)) for x in (theta, *rule.reported(slots, t).values())):
            raise ArithmeticError(f"{rule} is not finite at step {t}")
        if t in STORED:
            shown = {"theta": theta} | rule.reported(slots, t)
            stored[str(t)] = {name: listed(value) for name, value in shown.items()}
    return stored


def listed(x):
    return [float(value) for value in np.ravel(x)]


def golden(rule_type, options, chosen=series_for):
    data = {}
    cases = []
    for number, (label, changes) in enumerate(options.items()):
        rule = rule_type(**changes)
        for shape, kind in chosen(number):
            name = f"{shape}-{kind}"
            theta, gradients = series(shape, kind)
            data[name] = {
                "shape": list(theta.shape),
                "theta": listed(theta),
                "gradients": [listed(gradient) for gradient in gradients],
            }
            expected = {"float64": trajectory(rule, theta, gradients, FLOAT64)}
            narrow = trajectory(rule, theta, gradients, FLOAT32)
            if narrow != expected["float64"]:
                expected["float32"] = narrow
            cases.append(
                {
                    "name": f"{label}: {name}",
                    "data": name,
                    "options": dataclasses.asdict(rule),
                    "expected": expected,
                }
            )
    return {"steps": STEPS, "stored": list(STORED), "data": data, "cases": cases}


def decays():
    """beta2Hat with 60 digits, for the formula's own test."""
    with decimal.localcontext() as context:
        context.prec = 60
        context.Emin = decimal.MIN_EMIN
        table = []
        for beta in (0.9, 0.98, 0.999, 0.9999999):
            for t in (1, 2, 3, 10, 1000, 10**6, 10**9, 10**12):
                b = decimal.Decimal(beta)
                value = b * (1 - b ** (t - 1)) / (1 - b**t) if t > 1 else decimal.Decimal(0)
                complement = (1 - b) / (1 - b**t)
                table.append(
                    {"beta2": beta, "t": t, "value": float(value), "complement": float(complement)}
                )
        return table


def extremes():
    """What only float64 can hold: squares that leave its own range."""
    rule = FAdam(weightDecay=0.1)
    theta, gradients = series("vector", "ordinary")
    gradients[:, 0] = np.sign(gradients[:, 0]) * 1e-200
    gradients[(6, 13), 2] = (1e200, -1e200)
    name = "vector-float64"
    data = {
        "shape": [5],
        "theta": listed(theta),
        "gradients": [listed(gradient) for gradient in gradients],
    }
    with np.errstate(over="ignore", under="ignore"):
        expected = {"float64": trajectory(rule, theta, gradients, FLOAT64)}
    options = dataclasses.asdict(rule)
    case = {"name": name, "data": name, "options": options, "expected": expected}
    return name, data, case | {"dtypes": ["float64"]}


def documents():
    fadam = golden(FAdam, FADAM_OPTIONS)
    name, data, case = extremes()
    fadam["data"][name] = data
    fadam["cases"].append(case)
    fadam["beta2Hat"] = decays()
    return {
        "fadam": fadam,
        "fadafactor": golden(FAdafactor, FADAFACTOR_OPTIONS, matrix_series_for),
        "adam": golden(Adam, ADAM_OPTIONS),
        "adamw": golden(AdamW, ADAMW_OPTIONS),
        "adafactor": golden(Adafactor, ADAFACTOR_OPTIONS, matrix_series_for),
        "sgd": golden(Sgd, SGD_OPTIONS),
    }


def text(document):
    """One line per tensor and per set of options, so that a difference can be read."""

    def lines(value, indent):
        pad = "  " * indent
        if isinstance(value, dict) and any(isinstance(v, (dict, list)) for v in value.values()):
            inner = [f'{pad}  {json.dumps(k)}: {lines(v, indent + 1)}' for k, v in value.items()]
            return "{\n" + ",\n".join(inner) + f"\n{pad}}}"
        if isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
            inner = [f"{pad}  {lines(v, indent + 1)}" for v in value]
            return "[\n" + ",\n".join(inner) + f"\n{pad}]"
        return json.dumps(value, allow_nan=False)

    return lines(document, 0) + "\n"


# ---------------------------------------------------------------- checks


def near(found, expected, digits, what):
    if not np.allclose(found, expected, rtol=0, atol=10.0**-digits):
        raise AssertionError(f"{what}: expected {expected}, found {found}")


def hand_checks():
    """Two steps calculated by hand, and what must hold whatever the numbers."""
    rule = FAdam(learningRate=0.1, weightDecay=0.1)
    theta, slots = np.array([1.0, -2.0]), rule.slots(np.zeros(2))
    theta, slots = rule.update(theta, np.array([1.0, 2.0]), slots, 1, FLOAT64)
    near(slots["f"], [1, 4], 12, "f after step 1")
    near(slots["m"], [0.1, 0.1], 12, "m after step 1")
    near(theta, [0.98, -2.0], 12, "theta after step 1")
    theta, slots = rule.update(theta, np.array([3.0, -1.0]), slots, 2, FLOAT64)
    near(slots["f"], [5.002001, 2.4992496], 6, "f after step 2")
    near(slots["m"], [0.2179123, 0.0296805], 7, "m after step 2")
    near(theta, [0.953827, -1.990317], 6, "theta after step 2")
    near(beta2_hat(0.999, 2), 0.4997499, 7, "beta2Hat of step 2")
    near(beta2_hat(0.999, 3), 0.6663331, 7, "beta2Hat of step 3")

    # f is Adam's bias-corrected second moment.
    theta, gradients = series("matrix", "ordinary")
    fisher, adam = FAdam().slots(theta), Adam().slots(theta)
    for t, gradient in enumerate(gradients, start=1):
        _, fisher = FAdam().update(theta, gradient, fisher, t, FLOAT64)
        _, adam = Adam().update(theta, gradient, adam, t, FLOAT64)
        near(fisher["f"], Adam().reported(adam, t)["f"], 12, f"f and Adam's v at step {t}")

    factored_hand_checks()


def factored_hand_checks():
    """Two matrices of rank 1, one after the other, and a matrix whose rank is 2."""
    gradients = np.array([[1.0, 2.0], [2.0, 4.0]]), np.eye(2)
    rule = FAdafactor(learningRate=0.1, weightDecay=0.0)
    theta, slots = rule.update(np.eye(2), gradients[0], rule.slots(np.eye(2)), 1, FLOAT64)
    near(slots["f"].fisher(), [[1, 4], [4, 16]], 12, "f after step 1")
    near(theta, [[0.99, -0.01], [-0.01, 0.99]], 12, "theta after step 1")
    theta, slots = rule.update(theta, gradients[1], slots, 2, FLOAT64)
    near(slots["f"].R, [2.9989995, 10.4952476], 7, "R after step 2")
    near(theta, [[0.9687511, -0.019], [-0.019, 0.9774999]], 7, "theta after step 2")

    rule = FAdafactor(learningRate=0.1)
    _, slots = rule.update(np.eye(2), np.diag([3.0, 1.0]), rule.slots(np.eye(2)), 1, FLOAT64)
    near(slots["m"], 0.1 * np.diag([0.6324555, 1.8973666]), 7, "clipped gradient")

    rule = Adafactor(learningRate=0.1)
    theta, slots = rule.update(np.eye(2), gradients[0], rule.slots(np.eye(2)), 1, FLOAT64)
    near(theta, [[0.989, -0.01], [-0.01, 0.989]], 12, "Adafactor's theta after step 1")
    theta, _ = rule.update(theta, gradients[1], slots, 2, FLOAT64)
    near(theta, [[0.9667621, -0.01899], [-0.01899, 0.9755109]], 7, "Adafactor's after step 2")

    # AdamW is Adam with other defaults.
    theta, gradients = series("matrix", "ordinary")
    adam, adamw = Adam(clip=None, weightDecay=0.01), AdamW()
    a, b = (theta, adam.slots(theta)), (theta, adamw.slots(theta))
    for t, gradient in enumerate(gradients, start=1):
        a = adam.update(a[0], gradient, a[1], t, FLOAT64)
        b = adamw.update(b[0], gradient, b[1], t, FLOAT64)
        near(a[0], b[0], 12, f"Adam's theta and AdamW's at step {t}")


def differences(found, committed, path=""):
    if isinstance(found, dict) and isinstance(committed, dict):
        for key in found.keys() | committed.keys():
            if key not in found or key not in committed:
                yield f"{path}/{key} is in one of the two only"
            else:
                yield from differences(found[key], committed[key], f"{path}/{key}")
    elif isinstance(found, list) and isinstance(committed, list) and len(found) == len(committed):
        for index, (a, b) in enumerate(zip(found, committed)):
            yield from differences(a, b, f"{path}/{index}")
    elif isinstance(found, float) and isinstance(committed, (float, int)):
        # pow and sqrt may differ in the last digit between mathematics libraries.
        if abs(found - committed) > 1e-12 * abs(committed) + 1e-14:
            yield f"{path}: computed {found!r}, committed {committed!r}"
    elif found != committed:
        yield f"{path}: computed {found!r}, committed {committed!r}"


def main():
    parser = argparse.ArgumentParser(description="Golden values of the optimizers.")
    parser.add_argument("--check", action="store_true", help="compare with the committed files")
    check = parser.parse_args().check
    hand_checks()
    wrong = 0
    for name, document in documents().items():
        path = FOLDER / f"{name}.json"
        if not check:
            path.write_text(text(document))
            print(f"{path.name}: {len(document['cases'])} cases, {path.stat().st_size} bytes")
            continue
        found = list(differences(document, json.loads(path.read_text())))
        wrong += len(found)
        print(f"{name}: {len(document['cases'])} cases, {len(found)} differences")
        for difference in found[:10]:
            print(f"  {difference}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
