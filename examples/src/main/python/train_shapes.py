"""Trains the demo's model on shapes that this script draws, and exports it.

    python train_shapes.py [DIRECTORY]

The images are thin, bright, nearly upright strokes on black: a tidy world. The Java program draws
the same ten classes as its own world does (turned, noisy, thick, often dark on bright), where this
model fails until it is fine-tuned.
"""

import os
import pathlib
import shutil
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

SIZE = 28
TURN = 2 * np.pi
RESOURCES = pathlib.Path(__file__).resolve().parent.parent / "resources"
MODEL = RESOURCES / "io/github/fadam/examples/shapes-model"


def arc(radius, start, end, count=24):
    angles = np.linspace(start, end, count + 1)
    return np.stack([radius * np.cos(angles), radius * np.sin(angles)], axis=1)


def polygon(*points):
    return np.array(points + points[:1], float)


def corners(radii):
    angles = TURN * (np.arange(len(radii) + 1) / len(radii)) - TURN / 4
    closed = np.append(radii, radii[0])[:, None]
    return closed * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def spiral(count=32):
    position = np.linspace(0, 1, count + 1)
    angles = 2 * TURN * position
    return (0.1 + 0.9 * position)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)


# Strokes of each class within the unit circle; y points down.
SHAPES = {
    "circle": [arc(0.9, 0, TURN)],
    "ring": [arc(0.95, 0, TURN), arc(0.5, 0, TURN, 16)],
    "triangle": [corners(np.full(3, 1.0))],
    "square": [polygon((-0.75, -0.75), (0.75, -0.75), (0.75, 0.75), (-0.75, 0.75))],
    "star": [corners(np.tile([1.0, 0.45], 5))],
    "cross": [np.array([[-0.9, 0], [0.9, 0.0]]), np.array([[0, -0.9], [0, 0.9]])],
    "arrow": [
        np.array([[-0.95, 0], [0.95, 0.0]]),
        np.array([[0.35, -0.55], [0.95, 0.0], [0.35, 0.55]]),
    ],
    "arch": [arc(0.9, TURN / 2, TURN)],
    "zigzag": [np.array([[-0.95, 0.4], [-0.45, -0.4], [0, 0.4], [0.45, -0.4], [0.95, 0.4]])],
    "spiral": [spiral()],
}


def draw(strokes, centre, radius, angle, width):
    """Intensity of every pixel, 1 on a stroke and 0 off it, with a soft edge one pixel wide."""
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    pixels = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), axis=-1) + 0.5
    nearest = np.full((SIZE, SIZE), np.inf)
    for stroke in strokes:
        points = centre + radius * stroke @ turn
        starts, along = points[:-1], np.diff(points, axis=0)
        offset = pixels[:, :, None] - starts
        share = np.clip((offset * along).sum(-1) / (along * along).sum(-1), 0, 1)
        distance = np.linalg.norm(offset - share[..., None] * along, axis=-1)
        nearest = np.minimum(nearest, distance.min(-1))
    return np.clip(width / 2 + 0.5 - nearest, 0, 1)


def images(count, rng):
    labels = rng.permutation(np.arange(count) % len(SHAPES))
    shapes = list(SHAPES.values())
    pictures = np.empty((count, SIZE, SIZE, 1), np.float32)
    for index, label in enumerate(labels):
        radius = rng.uniform(8, 12)
        slack = SIZE / 2 - radius - 1
        picture = draw(
            shapes[label],
            SIZE / 2 + rng.uniform(-slack, slack, 2),
            radius,
            rng.uniform(-0.2, 0.2),
            rng.uniform(1, 2.2),
        )
        picture = picture * rng.uniform(0.8, 1) + rng.normal(0, 0.03, picture.shape)
        pictures[index, :, :, 0] = np.clip(picture, 0, 1)
    return pictures, labels.astype("int32")


def network():
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 1), name="image"),
            layers.Conv2D(16, 3, padding="same", use_bias=False, name="stem"),
            layers.BatchNormalization(name="stem_norm"),
            layers.ReLU(name="stem_relu"),
            layers.MaxPooling2D(name="stem_pool"),
            layers.Conv2D(32, 3, padding="same", use_bias=False, name="body"),
            layers.BatchNormalization(name="body_norm"),
            layers.ReLU(name="body_relu"),
            layers.MaxPooling2D(name="body_pool"),
            layers.Conv2D(32, 3, padding="same", use_bias=False, name="top"),
            layers.BatchNormalization(name="top_norm"),
            layers.ReLU(name="top_relu"),
            layers.MaxPooling2D(name="top_pool"),
            layers.Flatten(name="flat"),
            layers.Dropout(0.3, name="flat_drop"),
            layers.Dense(64, activation="relu", name="hidden"),
            layers.Dropout(0.3, name="hidden_drop"),
            layers.Dense(len(SHAPES), activation="softmax", name="head"),
        ],
        name="shapes",
    )


def main():
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else MODEL
    keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    rng = np.random.default_rng(1)
    training, labels = images(8000, rng)
    unseen, unseen_labels = images(2000, rng)
    model = network()
    model.summary()
    model.compile(
        optimizer=keras.optimizers.Adam(2e-3),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(training, labels, batch_size=64, epochs=8, verbose=2)
    _, accuracy = model.evaluate(unseen, unseen_labels, verbose=0)
    print(f"accuracy on unseen drawings: {accuracy:.4f}")
    if accuracy < 0.95:
        sys.exit("Expected an accuracy of at least 0.95; nothing was exported.")
    if target.exists():
        shutil.rmtree(target)
    model.export(target, verbose=False)
    extra = target / "assets.extra"
    extra.mkdir()
    (extra / "classes.txt").write_text("\n".join(SHAPES) + "\n")
    print(f"exported to {target}")


if __name__ == "__main__":
    main()
