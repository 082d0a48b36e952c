"""Times how long TensorFlow takes to translate operations for XLA.

    python translation.py [--least MILLISECONDS]

Prints milliseconds an operation, the slowest first, for what training steps are made of. Each type is
put into a function many times, in a chain; what is timed is the translation to HLO, not its compilation.
Names with a plus hold a second, quick operation that the chain needs. `SharedLowering` has its table
from this: what takes over 3 ms runs a compiler pipeline of its own for each operation.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

REPEATS = 20
OF_X = """Abs Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Digamma Erf Erfc Erfinv Exp Expm1 Floor Inv
    Lgamma Log Log1p Neg Reciprocal Rint Round Rsqrt Sigmoid Sign Sin Sinh Sqrt Square Tan Tanh"""
OF_FEATURES = "Elu LeakyRelu Relu Relu6 Selu Softplus Softsign"
OF_X_Y = """Add AddV2 Atan2 Div DivNoNan FloorDiv FloorMod Maximum Minimum Mod Mul MulNoNan Pow RealDiv
    SquaredDifference Sub TruncateDiv Xdivy Xlogy"""
COMPARISONS = "Equal Greater GreaterEqual Less LessEqual NotEqual"
OF_Y_DY = "ReciprocalGrad RsqrtGrad SigmoidGrad SqrtGrad TanhGrad"
OF_GRADIENTS = "LeakyReluGrad Relu6Grad ReluGrad SoftplusGrad SoftsignGrad"
SAME = {"strides": [1, 1, 1, 1], "padding": "SAME"}
WINDOW = SAME | {"ksize": [1, 3, 3, 1]}


def of_matrices(tf, x):
    """Type to what puts it behind a matrix of 2 x 2."""
    raw = tf.raw_ops
    truth = x > 0.3

    def number(flag):
        return raw.Cast(x=flag, DstT=tf.float32)

    def called(arguments):
        return lambda name: (name, lambda a: arguments(getattr(raw, name), a))

    found = dict(map(called(lambda f, a: f(x=a)), OF_X.split()))
    found |= map(called(lambda f, a: f(features=a)), OF_FEATURES.split())
    found |= map(called(lambda f, a: f(x=a, y=x)), OF_X_Y.split())
    found |= map(called(lambda f, a: f(y=a, dy=x)), OF_Y_DY.split())
    found |= map(called(lambda f, a: f(gradients=a, features=x)), OF_GRADIENTS.split())
    found |= map(called(lambda f, a: f(gradients=a, outputs=x)), ["EluGrad", "SeluGrad"])
    found |= map(called(lambda f, a: f(logits=a)), ["Softmax", "LogSoftmax"])
    found |= map(called(lambda f, a: f(input=a)), ["Identity", "StopGradient", "Snapshot"])
    for name in COMPARISONS.split():
        found[name + " + Cast"] = lambda a, f=getattr(raw, name): number(f(x=a, y=x))
    for name in ["IsFinite", "IsInf", "IsNan"]:
        found[name + " + Cast"] = lambda a, f=getattr(raw, name): number(f(x=a))
    for name in ["Sum", "Mean", "Max", "Min", "Prod"]:
        found[name + " + AddV2"] = lambda a, f=getattr(raw, name): a + f(
            input=a, axis=[1], keep_dims=True
        )
    return found | {
        "AddN": lambda a: raw.AddN(inputs=[a, x]),
        "BatchMatMulV2": lambda a: raw.BatchMatMulV2(x=a, y=x),
        "BiasAdd": lambda a: raw.BiasAdd(value=a, bias=x[0]),
        "BiasAddGrad + AddV2": lambda a: a + raw.BiasAddGrad(out_backprop=a),
        "BroadcastTo": lambda a: raw.BroadcastTo(input=a, shape=[2, 2]),
        "ClipByValue": lambda a: raw.ClipByValue(t=a, clip_value_min=0.0, clip_value_max=1.0),
        "Cumsum": lambda a: raw.Cumsum(x=a, axis=0),
        "Einsum": lambda a: raw.Einsum(inputs=[a, x], equation="ab,bc->ac"),
        "GatherV2": lambda a: raw.GatherV2(params=a, indices=[0, 1], axis=0),
        "L2Loss + AddV2": lambda a: a + raw.L2Loss(t=a),
        "MatMul": lambda a: raw.MatMul(a=a, b=x),
        "Pack + Unpack": lambda a: raw.Unpack(value=raw.Pack(values=[a, x]), num=2)[0],
        "PreventGradient": lambda a: raw.PreventGradient(input=a, message=""),
        "Reshape": lambda a: raw.Reshape(tensor=a, shape=[2, 2]),
        "Select": lambda a: raw.Select(condition=truth, x=a, y=x),
        "SelectV2": lambda a: raw.SelectV2(condition=truth, t=a, e=x),
        "Slice": lambda a: raw.Slice(input=a, begin=[0, 0], size=[2, 2]),
        "SplitV + ConcatV2": lambda a: raw.ConcatV2(
            values=raw.SplitV(value=a, size_splits=[1, 1], axis=0, num_split=2), axis=0
        ),
        "StridedSlice": lambda a: a[:2, :2],
        "Transpose": lambda a: raw.Transpose(x=a, perm=[1, 0]),
    }


def of_images(tf, image):
    """Type to what puts it behind an image."""
    raw = tf.raw_ops
    kernel = tf.ones([3, 3, 2, 2])
    each = tf.ones([3, 3, 2, 1])
    channels = tf.ones([2])
    shape = image.shape.as_list()
    saved = {f"reserve_space_{i}": channels for i in (1, 2, 3)}

    def normal_gradient(training):
        return lambda a: raw.FusedBatchNormGradV3(
            y_backprop=a, x=a, scale=channels, is_training=training, **saved
        )[0]

    return {
        "AvgPool": lambda a: raw.AvgPool(value=a, **WINDOW),
        "AvgPoolGrad": lambda a: raw.AvgPoolGrad(orig_input_shape=shape, grad=a, **WINDOW),
        "Conv2D": lambda a: raw.Conv2D(input=a, filter=kernel, **SAME),
        "Conv2DBackpropInput": lambda a: raw.Conv2DBackpropInput(
            input_sizes=shape, filter=kernel, out_backprop=a, **SAME
        ),
        "DepthwiseConv2dNative": lambda a: raw.DepthwiseConv2dNative(input=a, filter=each, **SAME),
        "FusedBatchNormV3": lambda a: raw.FusedBatchNormV3(
            x=a, scale=channels, offset=channels, mean=channels, variance=channels, is_training=False
        )[0],
        "FusedBatchNormGradV3": normal_gradient(False),
        "FusedBatchNormGradV3, training": normal_gradient(True),
        "MaxPool": lambda a: raw.MaxPool(input=a, **WINDOW),
        "MaxPoolGrad": lambda a: raw.MaxPoolGrad(orig_input=a, orig_output=a, grad=a, **WINDOW),
    }


def milliseconds(tf, apply, value):
    @tf.function(jit_compile=True)
    def chain(a):
        for _ in range(REPEATS):
            a = apply(a)
        return a

    chain.get_concrete_function(value)
    started = time.perf_counter()
    chain.experimental_get_compiler_ir(value)(stage="hlo")
    return (time.perf_counter() - started) / REPEATS * 1e3


def main():
    parser = argparse.ArgumentParser(description="Times the translation of operations for XLA.")
    parser.add_argument("--least", type=float, default=0, help="milliseconds; quicker ones are left out")
    least = parser.parse_args().least
    import tensorflow as tf

    x = tf.constant([[0.5, 0.25], [0.75, 0.375]])
    image = tf.ones([1, 4, 4, 2])
    milliseconds(tf, tf.tanh, x)  # the first one of a process is slower
    times = {name: milliseconds(tf, f, x) for name, f in of_matrices(tf, x).items()}
    times |= {name: milliseconds(tf, f, image) for name, f in of_images(tf, image).items()}
    for name, taken in sorted(times.items(), key=lambda item: -item[1]):
        if taken >= least:
            print(f"{taken:6.2f} {name}")


if __name__ == "__main__":
    main()
