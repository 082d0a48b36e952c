"""Times one update of other libraries' optimizers, for comparison with OptimizerStep.

Every peer updates the same set of float32 variables with the same made gradients, with the same
number of threads. The peers take turns, round by round, so that a slow minute of a shared machine
hits all of them; the figures are medians.

    pip install -r benchmarks/python/requirements-peers.txt
    python benchmarks/python/optimizer_peers.py --set matrices --threads 2 --out peers.json
"""

import argparse
import json
import os
import statistics
import sys
import time
from importlib import metadata

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--set", default="matrices", choices=["matrices", "bert", "mobilenet"])
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--rounds", type=int, default=7)
parser.add_argument("--seconds", type=float, default=1.0, help="of each peer in each round")
parser.add_argument("--out", help="write the figures as JSON")
options = parser.parse_args()

# Both libraries read their thread counts before they are imported; JAX has no option of its own.
os.environ["OMP_NUM_THREADS"] = str(options.threads)
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=true"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402
import pytorch_optimizer  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(options.threads)

BETA1, BETA2, EPSILON, CLIP, DECAY, RATE = 0.9, 0.999, 1e-15, 1.0, 0.001, 1e-3


def shapes(name):
    """The variable sets, as UpdateSpeed in Java has them."""
    if name == "matrices":
        return [(2048, 2048)] * 4
    if name == "bert":
        layer = [(768, 768), (768,)] * 4 + [(768, 3072), (3072,), (3072, 768), (768,)] + [(768,)] * 4
        return [(30522, 768), (512, 768), (2, 768), (768,), (768,)] + layer * 12
    if name == "mobilenet":
        result = [(3, 3, 3, 32), (32,), (32,)]
        channels = 32
        for expansion, out, repeats in [
            (1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)
        ]:
            for _ in range(repeats):
                wide = channels * expansion
                if expansion > 1:
                    result += [(1, 1, channels, wide), (wide,), (wide,)]
                result += [(3, 3, wide, 1), (wide,), (wide,), (1, 1, wide, out), (out,), (out,)]
                channels = out
        return result + [(1, 1, 320, 1280), (1280,), (1280,), (1280, 1000), (1000,)]
    raise ValueError(name)


def values(scale, seed):
    random = np.random.default_rng(seed)
    return [(random.standard_normal(s) * scale).astype(np.float32) for s in shapes(options.set)]


def torch_parameters():
    parameters = [torch.nn.Parameter(torch.from_numpy(v)) for v in values(0.05, 1)]
    for parameter, gradient in zip(parameters, values(0.01, 2)):
        parameter.grad = torch.from_numpy(gradient)
    return parameters


def torch_step(make):
    optimizer = make(torch_parameters())
    return optimizer.step


def torch_compiled():
    """Algorithm 1 written plainly; torch.compile fuses it."""
    parameters = torch_parameters()
    momenta = [torch.zeros_like(p) for p in parameters]
    fishers = [torch.zeros_like(p) for p in parameters]
    step = torch.zeros((), dtype=torch.float64)

    def clipped(x):
        return x / torch.clamp(torch.sqrt(torch.mean(x * x)) / CLIP, min=1.0)

    def update(theta, gradient, m, f, hat):
        f.mul_(hat).add_((1 - hat) * gradient * gradient)
        divisor = torch.sqrt(f) + EPSILON
        m.mul_(BETA1).add_((1 - BETA1) * clipped(gradient / divisor))
        theta.sub_(RATE * (m + DECAY * clipped(theta / divisor)))

    @torch.no_grad()
    def all_updates():
        step.add_(1)
        hat = (BETA2 * (1 - BETA2 ** (step - 1)) / (1 - BETA2**step)).to(torch.float32)
        for theta, m, f in zip(parameters, momenta, fishers):
            update(theta.data, theta.grad, m, f, hat)

    return torch.compile(all_updates)


def jax_step(update, state):
    """A jitted step whose parameters and state are given back to it, as a training loop does."""
    gradients = [jnp.asarray(g) for g in values(0.01, 2)]
    held = [[jnp.asarray(v) for v in values(0.05, 1)], state]
    jitted = jax.jit(update, donate_argnums=(0, 1))

    def step():
        held[:] = jitted(held[0], held[1], gradients)
        jax.block_until_ready(held)

    return step


def jax_fadam():
    def clipped(x):
        return x / jnp.maximum(1.0, jnp.sqrt(jnp.mean(x * x)) / CLIP)

    def update(thetas, state, gradients):
        momenta, fishers, count = state
        count = count + 1
        t = count.astype(jnp.float32)
        hat = BETA2 * jnp.expm1((t - 1) * np.log(BETA2)) / jnp.expm1(t * np.log(BETA2))
        result = [], [], []
        for theta, m, f, g in zip(thetas, momenta, fishers, gradients):
            f = hat * f + (1 - hat) * g * g
            divisor = jnp.sqrt(f) + EPSILON
            m = BETA1 * m + (1 - BETA1) * clipped(g / divisor)
            theta = theta - RATE * (m + DECAY * clipped(theta / divisor))
            for kept, value in zip(result, (theta, m, f)):
                kept.append(value)
        return result[0], (result[1], result[2], count)

    zeros = [jnp.zeros(s) for s in shapes(options.set)]
    return jax_step(update, (zeros, [jnp.zeros(s) for s in shapes(options.set)], jnp.zeros((), int)))


def jax_adam():
    optimizer = optax.adam(RATE)

    def update(thetas, state, gradients):
        updates, state = optimizer.update(gradients, state, thetas)
        return optax.apply_updates(thetas, updates), state

    return jax_step(update, optimizer.init([jnp.asarray(v) for v in values(0.05, 1)]))


PEERS = {
    "pytorch_adam_fused": lambda: torch_step(lambda p: torch.optim.Adam(p, fused=True)),
    "pytorch_fadam_eager": lambda: torch_step(
        lambda p: pytorch_optimizer.FAdam(p, lr=RATE, weight_decay=DECAY)
    ),
    "pytorch_fadam_compiled": torch_compiled,
    "jax_fadam_jitted": jax_fadam,
    "optax_adam_jitted": jax_adam,
}


def main():
    steps = {}
    for name, make in PEERS.items():
        try:
            steps[name] = make()
            for _ in range(3):
                steps[name]()
        except Exception as e:  # a peer that fails here is reported and left out
            print(f"{name}: left out, {type(e).__name__}: {str(e)[:200]}", file=sys.stderr)
            steps.pop(name, None)
    times = {name: [] for name in steps}
    for _ in range(options.rounds):
        for name, step in steps.items():
            end = time.perf_counter() + options.seconds
            while True:
                started = time.perf_counter()
                step()
                now = time.perf_counter()
                times[name].append(1e3 * (now - started))
                if now > end:
                    break
    figures = {
        name: {"median_ms": statistics.median(t), "least_ms": min(t), "steps": len(t)}
        for name, t in times.items()
    }
    versions = {p: metadata.version(p) for p in ("torch", "jax", "optax", "pytorch_optimizer")}
    report = {"set": options.set, "threads": options.threads, "versions": versions, "peers": figures}
    for name, figure in figures.items():
        print(f"{name:24} {figure['median_ms']:9.2f} ms  ({figure['steps']} steps)")
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)


if __name__ == "__main__":
    main()
