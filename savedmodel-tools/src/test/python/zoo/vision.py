"""Convolutional networks: every kind of convolution, and three well-known architectures."""

import keras
import numpy as np
import tf_keras

from zoo import FULL, SAMPLE, model
from zoo.golden import Golden, fill, images


def write(net, directory):
    if isinstance(net, keras.Model):
        net.export(directory, verbose=False)
    else:
        net.save(directory, save_format="tf")


def classes(rng, count, number):
    return rng.integers(0, number, count).astype("int32")


def lenet(directory, library, seed):
    layers = library.layers
    net = library.Sequential(
        [
            library.Input((28, 28, 1), name="image"),
            layers.Conv2D(6, 5, padding="same", activation="tanh", name="c1"),
            layers.AveragePooling2D(2, name="s2"),
            layers.Conv2D(16, 5, activation="tanh", name="c3"),
            layers.AveragePooling2D(2, name="s4"),
            layers.Flatten(name="flat"),
            layers.Dense(120, activation="tanh", name="f5"),
            layers.Dense(84, activation="tanh", name="f6"),
            layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="lenet",
    )
    fill(net.weights, seed)
    write(net, directory)
    rng = np.random.default_rng(seed + 100)
    return Golden(
        inputs={"image": images(rng, 8, 28)},
        labels=classes(rng, 8, 10),
        loss="sparse_categorical_crossentropy",
        learning_rate=0.02,
    )


@model(SAMPLE)
def keras3_lenet(directory):
    return lenet(directory, keras, 31)


@model(FULL)
def tfkeras_lenet(directory):
    return lenet(directory, tf_keras, 32)


def convolutions(directory, library, seed):
    """Depthwise, separable, dilated, transposed and strided, one after the other."""
    layers = library.layers
    net = library.Sequential(
        [
            library.Input((12, 12, 2), name="image"),
            layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="depthwise"),
            layers.ReLU(max_value=6.0, name="relu6"),
            layers.SeparableConv2D(8, 3, padding="same", activation="elu", name="separable"),
            layers.Conv2D(8, 3, dilation_rate=2, padding="same", activation="silu", name="dilated"),
            layers.Conv2D(8, 1, activation="selu", name="pointwise"),
            layers.Conv2D(6, 3, strides=2, padding="same", name="strided"),
            layers.LeakyReLU(name="leaky"),
            layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="transposed"),
            layers.ZeroPadding2D(1, name="pad"),
            layers.MaxPooling2D(3, strides=2, name="pool"),
            layers.UpSampling2D(2, name="up"),
            layers.GlobalAveragePooling2D(name="average"),
            layers.Dense(3, name="head"),
        ],
        name="convolutions",
    )
    fill(net.weights, seed)
    write(net, directory)
    rng = np.random.default_rng(seed + 100)
    return Golden(
        inputs={"image": rng.normal(0, 1, (6, 12, 12, 2)).astype("float32")},
        labels=classes(rng, 6, 3),
        loss="sparse_categorical_crossentropy",
        from_logits=True,
        learning_rate=0.05,
    )


@model(SAMPLE)
def keras3_convolutions(directory):
    return convolutions(directory, keras, 33)


@model(FULL)
def tfkeras_convolutions(directory):
    return convolutions(directory, tf_keras, 34)


def grouped(directory, library, seed):
    """In groups of two, of half the channels and of one: Keras has XLA compile these on processors."""
    layers = library.layers
    net = library.Sequential(
        [
            library.Input((8, 8, 4), name="image"),
            layers.Conv2D(8, 3, groups=4, padding="same", activation="relu", name="many"),
            layers.Conv2D(6, 3, groups=2, strides=2, use_bias=False, name="two"),
            layers.Conv2D(12, 3, groups=6, padding="same", activation="relu", name="each"),
            layers.GlobalAveragePooling2D(name="average"),
            layers.Dense(3, name="head"),
        ],
        name="grouped",
    )
    fill(net.weights, seed)
    write(net, directory)
    rng = np.random.default_rng(seed + 100)
    return Golden(
        inputs={"image": rng.normal(0, 1, (6, 8, 8, 4)).astype("float32")},
        labels=classes(rng, 6, 3),
        loss="sparse_categorical_crossentropy",
        from_logits=True,
        compiled=True,
    )


@model(SAMPLE)
def keras3_grouped(directory):
    return grouped(directory, keras, 43)


@model(FULL)
def tfkeras_grouped(directory):
    return grouped(directory, tf_keras, 44)


def conv3d(directory, library, seed):
    layers = library.layers
    net = library.Sequential(
        [
            library.Input((6, 8, 8, 1), name="clip"),
            layers.Conv3D(4, 3, activation="relu", name="stem"),
            layers.BatchNormalization(name="norm"),
            layers.MaxPooling3D((2, 2, 2), name="pool"),
            layers.Conv3D(4, (1, 2, 2), strides=(1, 1, 1), padding="same", name="body"),
            layers.AveragePooling3D((1, 3, 3), name="mean"),
            layers.Flatten(name="flat"),
            layers.Dense(3, activation="softmax", name="head"),
        ],
        name="clips",
    )
    fill(net.weights, seed)
    write(net, directory)
    rng = np.random.default_rng(seed + 100)
    return Golden(
        inputs={"clip": rng.normal(0, 1, (4, 6, 8, 8, 1)).astype("float32")},
        labels=classes(rng, 4, 3),
        loss="sparse_categorical_crossentropy",
        learning_rate=0.05,
    )


@model(SAMPLE)
def keras3_conv3d(directory):
    return conv3d(directory, keras, 35)


@model(FULL)
def tfkeras_conv3d(directory):
    return conv3d(directory, tf_keras, 36)


def application(directory, library, build, size, seed, **options):
    """An architecture of Keras' own without its weights, batch averages taken from a batch.

    With random averages the activations of fifty layers would vanish or overflow.
    """
    net = build(
        input_shape=(size, size, 3), weights=None, classes=5, classifier_activation=None, **options
    )
    # What a Normalization layer has adapted to is a constant of its saved functions.
    adapted = [
        id(variable)
        for layer in net.layers
        if isinstance(layer, library.layers.Normalization)
        for variable in layer.weights
    ]
    fill([variable for variable in net.weights if id(variable) not in adapted], seed)
    rng = np.random.default_rng(seed + 100)
    batch = rng.normal(0, 1, (16, size, size, 3)).astype("float32")
    norms = [
        layer for layer in net.layers if isinstance(layer, library.layers.BatchNormalization)
    ]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    net(batch, training=True)
    for layer, momentum in zip(norms, momenta):
        layer.momentum = momentum
    write(net, directory)
    return Golden(
        inputs={net.inputs[0].name: batch[:4]},
        labels=classes(rng, 4, 5),
        loss="sparse_categorical_crossentropy",
        from_logits=True,
        learning_rate=None,
        deep=True,
    )


@model(FULL)
def keras3_mobilenetv2(directory):
    return application(directory, keras, keras.applications.MobileNetV2, 32, 37, alpha=0.35)


@model(FULL)
def tfkeras_mobilenetv2(directory):
    return application(
        directory, tf_keras, tf_keras.applications.MobileNetV2, 32, 38, alpha=0.35
    )


@model(FULL)
def keras3_efficientnetb0(directory):
    return application(directory, keras, keras.applications.EfficientNetB0, 32, 39)


@model(FULL)
def tfkeras_efficientnetb0(directory):
    return application(directory, tf_keras, tf_keras.applications.EfficientNetB0, 32, 40)


@model(FULL)
def keras3_resnet50(directory):
    return application(directory, keras, keras.applications.ResNet50, 32, 41)


@model(FULL)
def tfkeras_resnet50(directory):
    return application(directory, tf_keras, tf_keras.applications.ResNet50, 32, 42)
