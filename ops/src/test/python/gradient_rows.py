"""The rows of gradient_golden.py: which operations, with which attributes and inputs."""

import dataclasses

import numpy as np


@dataclasses.dataclass(eq=False)
class Input:
    """What is differentiated by: distinct values, evenly drawn from a range."""

    shape: tuple
    low: float = -1
    high: float = 1

    def draw(self, rng):
        size = int(np.prod(self.shape))
        grid = np.arange(int(self.low * 256), int(self.high * 256))
        return rng.choice(grid, size, replace=False).reshape(self.shape) / 256


@dataclasses.dataclass(eq=False)
class Op:
    """A node; an edge from it is from its first output."""

    type: str
    inputs: tuple
    attributes: dict

    def __getitem__(self, index):
        return Output(self, index)


@dataclasses.dataclass(eq=False)
class Output:
    node: Op
    index: int


@dataclasses.dataclass
class Row:
    outputs: tuple
    dtype: str
    differences: bool
    python: bool


ROWS = {}
INT = {"type": "int32"}
T = {"type": "T"}
COMPLEX = {"type": "complex"}


def x(*shape, low=-1, high=1):
    return Input(shape, low, high)


def op(type, *inputs, **attributes):
    return Op(type, inputs, attributes)


def row(name, *outputs, dtype="float64", differences=True, python=True):
    """Adds a row.

    `differences`: Java compares with differences of the value too. `python`: Python can run the
    operation and its gradient; Java compares with differences only where it cannot.
    """
    assert name not in ROWS, name
    ROWS[name] = Row(outputs, dtype, differences, python)


def ints(*values):
    return np.array(values, np.int32)


def longs(*values):
    return np.array(values, np.int64)


def lists():
    """TensorList*: what loops fill and read."""
    reserve = op("TensorListReserve", ints(2), 4, element_dtype=T)
    filled = op("TensorListFromTensor", x(4, 2), ints(2))

    def stack(handle, element=ints(2)):
        return op("TensorListStack", handle, element, element_dtype=T)

    def item(handle, index, element=ints(2)):
        return op("TensorListGetItem", handle, index, element, element_dtype=T)

    row("TensorListFromTensor TensorListStack", stack(filled))
    row("TensorListFromTensor of scalars", stack(op("TensorListFromTensor", x(3), ints()), ints()))
    row(
        "TensorListGetItem",
        op("Mul", item(filled, 1), item(filled, 3)),
        item(filled, 1),
    )
    first = op("TensorListSetItem", reserve, 2, x(2))
    second = op("TensorListSetItem", first, 0, op("Square", item(first, 2)))
    row("TensorListSetItem, a loop's", stack(second), item(second, 0))
    unknown = op("TensorListReserve", -1, 3, element_dtype=T)
    row(
        "TensorListSetItem, element shape unknown",
        stack(op("TensorListSetItem", unknown, 1, x(2, 2)), ints(2, 2)),
    )
    row("TensorListSetItem over a value", stack(op("TensorListSetItem", filled, 1, x(2))))
    row("TensorListGather", op("TensorListGather", filled, ints(3, 0), ints(2), element_dtype=T))
    scattered = op("TensorListScatter", x(3, 2), ints(2, 0, 3), ints(2))
    row("TensorListScatter", stack(scattered))
    row("TensorListScatterV2", stack(op("TensorListScatterV2", x(2, 2), ints(2, 0), ints(2), 4)))
    row(
        "TensorListScatterIntoExistingList",
        stack(op("TensorListScatterIntoExistingList", filled, x(2, 2), ints(2, 0))),
    )
    empty = op("EmptyTensorList", ints(2), -1, element_dtype=T)
    pushed = op("TensorListPushBack", op("TensorListPushBack", empty, x(2)), x(2))
    row("TensorListPushBack", stack(pushed))
    popped = op("TensorListPopBack", pushed, ints(2), element_dtype=T)
    row("TensorListPopBack", popped[1], stack(op("TensorListPushBack", popped, op("Exp", popped[1]))))
    row("TensorListPopBack, the element only", popped[1])
    row("TensorListResize", stack(op("TensorListResize", filled, 3)))
    row("TensorListResize longer", stack(op("TensorListResize", filled, 6)))
    split = op("TensorListSplit", x(5, 2), ints(-1, 2), longs(1, 3, 1))
    row("TensorListSplit", item(split, 1, ints(3, 2)))
    row(
        "TensorListConcatV2",
        op("TensorListConcatV2", split, ints(-1, 2), longs(), element_dtype=T),
    )
    row(
        "TensorListConcat",
        op("TensorListConcat", split, element_dtype=T, element_shape={"shape": [-1, 2]}),
    )



def elements():
    """Functions of single elements."""
    for name in ("I0", "I0e", "I1", "I1e"):
        row(f"Bessel{name}", op(f"Bessel{name}", x(6, low=-2, high=2)))
    for name in ("J0", "J1", "K0", "K0e", "K1", "K1e", "Y0", "Y1"):
        row(f"Bessel{name}", op(f"Bessel{name}", x(5, low=0.5, high=3)))
    for name in ("Dawsn", "FresnelCos", "FresnelSin"):
        row(name, op(name, x(5)))
    for name in ("Expint", "Spence", "Digamma", "Lgamma"):
        row(name, op(name, x(5, low=0.25, high=3)))
    row("Erfc", op("Erfc", x(5)))
    positive = {"low": 0.5, "high": 3}
    row("Betainc", op("Betainc", x(3, **positive), x(3, **positive), x(3, low=0.25, high=0.75)), differences=False)
    row("Igamma", op("Igamma", x(2, 3, **positive), x(3, **positive)))
    row("Igammac", op("Igammac", x(3, **positive), x(2, 3, **positive)))
    row("Polygamma", op("Polygamma", np.array([1.0, 2.0]), x(3, 2, **positive)))
    row("Zeta", op("Zeta", np.array([2.0, 3.5]), x(3, 2, **positive)))
    row("NextAfter", op("NextAfter", x(2, 3), np.array([2.0])), differences=False)
    z = op("Complex", x(4), x(4), Tout=COMPLEX)
    row("ComplexAbs", op("ComplexAbs", z, Tout=T), dtype="float32")
    row("ConjugateTranspose", *parts(op("ConjugateTranspose", op("Complex", x(2, 3), x(2, 3), Tout=COMPLEX), ints(1, 0))), dtype="float32")
    row("Print", op("Print", x(3), [ints(1)], message=""))
    row("CheckNumericsV2", op("CheckNumericsV2", x(3), message="m"))
    row("DebugIdentityV2", op("DebugIdentityV2", x(3)))
    row("DebugGradientIdentity", op("DebugGradientIdentity", x(3)), python=False)
    # Implicit derivatives of samples; differences would see the rejections of the sampler.
    alpha = x(3, low=0.5, high=3)
    seed = longs(3, 4)
    keys = op("StatelessRandomGetKeyCounter", seed)
    row("StatelessRandomGammaV2", op("StatelessRandomGammaV2", ints(2, 3), seed, alpha), differences=False)
    row("StatelessRandomGammaV3", op("StatelessRandomGammaV3", ints(2, 3), keys, keys[1], 1, alpha), differences=False)
    row("RandomGamma", op("RandomGamma", ints(2), alpha, seed=3, seed2=4), differences=False)
    row("QuantizeAndDequantizeV2", op("QuantizeAndDequantizeV2", x(4), -1.0, 1.0), differences=False)
    row("Xlogy", op("Xlogy", x(2, 3), x(3, **positive)))
    row("Xdivy", op("Xdivy", x(2, 3), x(3, **positive)))
    row("Xlog1py", op("Xlog1py", x(3), x(2, 3, **positive)))
    row("MulNoNan", op("MulNoNan", x(2, 3), x(3)))
    row("FloorMod", op("FloorMod", x(4, low=5, high=6), x(4, low=1.5625, high=1.6875)))


def parts(z):
    return op("Real", z, Tout=T), op("Imag", z, Tout=T)


def complex_of(*shape):
    return op("Complex", x(*shape), x(*shape), Tout=COMPLEX)


def derivatives():
    """Gradients of gradients."""
    half = {"low": 0.25, "high": 1}
    for name in ("Sigmoid", "Tanh", "Sqrt", "Rsqrt", "Reciprocal", "Inv"):
        row(f"{name}Grad", op(f"{name}Grad", x(5, **half), x(5)))
    for name in ("Relu", "Relu6", "Elu", "Selu", "Softplus"):
        row(f"{name}Grad", op(f"{name}Grad", x(6), x(6)), differences=name[:4] != "Relu")
    z = op("SigmoidGrad", complex_of(3), complex_of(3))
    row("SigmoidGrad of complex numbers", *parts(z), dtype="float32")
    square = {"strides": [1, 2, 2, 1], "padding": "SAME"}
    pool = {"ksize": [1, 2, 2, 1], **square}
    cube = {"strides": [1, 2, 2, 2, 1], "padding": "SAME"}
    pool3 = {"ksize": [1, 2, 2, 2, 1], **cube}
    image, volume = x(1, 4, 4, 1), x(1, 2, 3, 3, 1)
    row("AvgPoolGrad", op("AvgPoolGrad", ints(1, 4, 4, 1), x(1, 2, 2, 1), **pool))
    row("AvgPool3DGrad", op("AvgPool3DGrad", ints(1, 2, 3, 3, 1), x(1, 1, 2, 2, 1), **pool3), dtype="float32")
    # float32: kernels of the gradients' gradients of pooling
    row("MaxPoolGrad", op("MaxPoolGrad", image, op("MaxPool", image, **pool), x(1, 2, 2, 1), **pool), dtype="float32", differences=False)
    row("MaxPoolGradV2", op("MaxPoolGradV2", image, op("MaxPool", image, **pool), x(1, 2, 2, 1), ints(1, 2, 2, 1), ints(1, 2, 2, 1), padding="SAME"), dtype="float32", differences=False)
    row("MaxPoolGradGrad", op("MaxPoolGradGrad", image, op("MaxPool", image, **pool), x(1, 4, 4, 1), **pool), dtype="float32", differences=False)
    row("MaxPool3DGrad", op("MaxPool3DGrad", volume, op("MaxPool3D", volume, **pool3), x(1, 1, 2, 2, 1), **pool3), dtype="float32", differences=False)
    row("MaxPool3DGradGrad", op("MaxPool3DGradGrad", volume, op("MaxPool3D", volume, **pool3), x(1, 2, 3, 3, 1), **pool3), dtype="float32", differences=False)
    row("BiasAddGrad", op("BiasAddGrad", x(2, 3, 2)))
    row("Conv2DBackpropFilter", op("Conv2DBackpropFilter", x(1, 4, 4, 2), ints(2, 2, 2, 2), x(1, 2, 2, 2), **square))
    row("Conv2DBackpropInput", op("Conv2DBackpropInput", ints(1, 4, 4, 2), x(2, 2, 2, 3), x(1, 2, 2, 3), **square))
    row("DepthwiseConv2dNativeBackpropInput", op("DepthwiseConv2dNativeBackpropInput", ints(1, 4, 4, 2), x(2, 2, 2, 2), x(1, 2, 2, 4), **square))
    row("DepthwiseConv2dNativeBackpropFilter", op("DepthwiseConv2dNativeBackpropFilter", x(1, 4, 4, 2), ints(2, 2, 2, 2), x(1, 2, 2, 4), **square))
    row("Conv3DBackpropInputV2", op("Conv3DBackpropInputV2", ints(1, 2, 3, 3, 1), x(2, 2, 2, 1, 2), x(1, 1, 2, 2, 2), **cube))
    row("Conv3DBackpropFilterV2", op("Conv3DBackpropFilterV2", x(1, 2, 3, 3, 1), ints(2, 2, 2, 1, 2), x(1, 1, 2, 2, 2), **cube))
    slice = {"begin_mask": 1, "shrink_axis_mask": 2}
    row("StridedSliceGrad", op("StridedSliceGrad", ints(3, 2, 4), ints(0, -1, 2), ints(-1, 0, 0), ints(1, 1, -1), x(2, 2), **slice))


def linear_algebra():
    def spd(*shape):
        a = x(*shape)
        return op("AddV2", op("BatchMatMulV2", a, a, adj_y=True), 0.5 * np.eye(shape[-1]))

    def regular(*shape):
        return op("AddV2", x(*shape), 2.0 * np.eye(shape[-2], shape[-1]))

    for adjoint in (False, True):
        row(f"MatrixInverse adjoint {adjoint}", op("MatrixInverse", regular(2, 3, 3), adjoint=adjoint))
        row(f"MatrixSolve adjoint {adjoint}", op("MatrixSolve", regular(2, 3, 3), x(2, 3, 2), adjoint=adjoint))
        for lower in (False, True):
            row(
                f"MatrixTriangularSolve adjoint {adjoint} lower {lower}",
                op("MatrixTriangularSolve", regular(3, 3), x(2, 3, 2), adjoint=adjoint, lower=lower),
            )
            bands = op("AddV2", x(2, 3), np.array([[0.0], [2.0]]) if not lower else np.array([[2.0], [0.0]]))
            row(
                f"BandedTriangularSolve adjoint {adjoint} lower {lower}",
                op("BandedTriangularSolve", bands, x(3, 2), adjoint=adjoint, lower=lower),
            )
    z = op("MatrixInverse", complex_of(2, 2))
    row("MatrixInverse of complex numbers", *parts(z), dtype="float32", differences=False)
    row("MatrixDeterminant", op("MatrixDeterminant", regular(2, 3, 3)))
    row("LogMatrixDeterminant", op("LogMatrixDeterminant", regular(2, 3, 3))[1])
    row("Cholesky", op("Cholesky", spd(2, 3, 3)))
    row("MatrixSquareRoot", op("MatrixSquareRoot", spd(2, 2, 2)), dtype="float64")
    for m, n in ((3, 3), (4, 2), (2, 4)):
        qr = op("Qr", regular(2, m, n))
        row(f"Qr {m} {n}", qr, qr[1])
        svd = op("Svd", regular(2, m, n))
        # U and V have signs of their own: only products of both are functions of the matrix.
        row(
            f"Svd {m} {n}",
            svd,
            op("BatchMatMulV2", op("Mul", svd[1], op("ExpandDims", op("Square", svd), -2)), svd[2], adj_y=True),
        )
    row("Svd, values only", op("Svd", regular(3, 2), compute_uv=False))
    eigen = op("SelfAdjointEigV2", spd(2, 3, 3))
    row(
        "SelfAdjointEigV2",
        eigen,
        op("BatchMatMulV2", op("Mul", eigen[1], op("ExpandDims", op("Square", eigen), -2)), eigen[1], adj_y=True),
    )
    row("SelfAdjointEigV2, values only", op("SelfAdjointEigV2", spd(3, 3), compute_v=False))
    row("TridiagonalMatMul", op("TridiagonalMatMul", x(1, 4), x(1, 4), x(1, 4), x(4, 2)))
    diagonals = op("AddV2", x(3, 4), np.array([[0.0], [3.0], [0.0]]))
    row("TridiagonalSolve", op("TridiagonalSolve", diagonals, x(4, 2)), differences=True)
    row("Cross", op("Cross", x(2, 3), x(2, 3)))
    row("MatrixDiagPart", op("MatrixDiagPart", x(2, 2, 3)))
    row("MatrixDiagPartV2", op("MatrixDiagPartV2", x(2, 3, 4), ints(0, 1), 0.0))
    row("MatrixDiagPartV3", op("MatrixDiagPartV3", x(2, 3, 4), ints(0, 1), 0.0))
    # Python's gradient takes the diagonals as version 3 aligns them.
    row("MatrixDiagV2", op("MatrixDiagV2", x(2, 2, 3), ints(0, 1), -1, -1, 0.0), python=False)
    row("MatrixDiagV3", op("MatrixDiagV3", x(2, 2, 3), ints(0, 1), -1, -1, 0.0, align="LEFT_RIGHT"))
    row("MatrixSetDiag", op("MatrixSetDiag", x(2, 2, 3), x(2, 2)))
    row("MatrixSetDiagV2", op("MatrixSetDiagV2", x(2, 3, 4), x(2, 2, 3), ints(0, 1)))
    row("MatrixSetDiagV3", op("MatrixSetDiagV3", x(2, 3, 4), x(2, 2, 3), ints(0, 1)))
    for a in (False, True):
        for b in (False, True):
            row(
                f"SparseMatMul {a} {b}",
                op("SparseMatMul", x(*((3, 2) if a else (2, 3))), x(*((4, 3) if b else (3, 4))), transpose_a=a, transpose_b=b),
                dtype="float32",
            )


def segments():
    ids = ints(0, 0, 2, 2, 2)
    for name in ("Max", "Mean", "Min", "Prod"):
        row(f"Segment{name}", op(f"Segment{name}", x(5, 2), ids))
    row("UnsortedSegmentProd", op("UnsortedSegmentProd", x(5, 2), ints(1, 0, 1, -1, 0), 3))
    row("UnsortedSegmentProd of zeros", op("UnsortedSegmentProd", op("Mul", x(5), np.array([0.0, 1, 0, 0, 1])), ints(0, 0, 1, 1, 1), 2))
    for name in ("Mean", "SqrtN", "Sum"):
        row(f"SparseSegment{name}", op(f"SparseSegment{name}", x(4, 2), ints(3, 0, 3, 1), ints(0, 0, 1, 1)))
        row(
            f"SparseSegment{name}WithNumSegments",
            op(f"SparseSegment{name}WithNumSegments", x(4, 2), ints(3, 0, 3, 1), ints(0, 0, 2, 2), 4),
        )
    for exclusive in (False, True):
        for reverse in (False, True):
            options = {"exclusive": exclusive, "reverse": reverse}
            row(f"Cumprod {exclusive} {reverse}", op("Cumprod", x(2, 3), 1, **options))
            row(f"CumulativeLogsumexp {exclusive} {reverse}", op("Exp", op("CumulativeLogsumexp", x(2, 3), 1, **options)))


def indexing():
    row("TensorScatterMax", op("TensorScatterMax", x(4, 2), ints([3], [1]), x(2, 2)))
    row("TensorScatterMin", op("TensorScatterMin", x(4, 2), ints([3], [1]), x(2, 2)))
    row("TensorScatterUpdate", op("TensorScatterUpdate", x(4, 2), ints([3], [1]), x(2, 2)))
    row("TensorScatterAdd", op("TensorScatterAdd", x(4, 2), ints([3], [1]), x(2, 2)))
    row("TensorScatterSub", op("TensorScatterSub", x(4, 2), ints([3], [1]), x(2, 2)))
    row("TensorStridedSliceUpdate", op("TensorStridedSliceUpdate", x(3, 4), ints(0, 1), ints(2, 4), ints(1, 2), x(2, 2)))
    row("Reverse", op("Reverse", x(2, 3), np.array([False, True])))
    row("Concat", op("Concat", 1, [x(2, 1), x(2, 3)]))
    row("TopKV2", op("TopKV2", x(2, 4), 2))
    row("NthElement", op("NthElement", x(2, 4), 2))
    row("Gather", op("Gather", x(4, 2), ints([3, 0], [3, 1])))
    row("AccumulateNV2", op("AccumulateNV2", [x(3), x(3)], shape={"shape": [3]}), python=False)


def layers():
    patches = {"strides": [1, 2, 1, 1], "rates": [1, 1, 2, 1]}
    for padding in ("SAME", "VALID"):
        row(f"ExtractImagePatches {padding}", op("ExtractImagePatches", x(2, 4, 5, 2), ksizes=[1, 2, 3, 1], padding=padding, **patches))
        row(
            f"ExtractVolumePatches {padding}",
            op("ExtractVolumePatches", x(2, 3, 2, 3, 1), ksizes=[1, 2, 2, 2, 1], strides=[1, 1, 1, 1, 1], padding=padding),
        )
    row("Dilation2D", op("Dilation2D", x(1, 4, 4, 2), x(2, 2, 2), strides=[1, 1, 1, 1], rates=[1, 2, 1, 1], padding="SAME"))
    volume = {"strides": [1, 1, 2, 1, 1], "padding": "SAME"}
    row("Conv3D", op("Conv3D", x(1, 3, 3, 3, 2), x(2, 2, 1, 2, 2), **volume))
    row("CTCLoss", op("CTCLoss", x(4, 2, 3), longs([0, 0], [0, 1], [1, 0]), ints(0, 1, 1), ints(4, 3)), dtype="float32")
    gates = [x(3, 1, 2), x(1, 2), x(1, 2), x(4, 8), x(2), x(2), x(2), x(8)]
    for name in ("BlockLSTM", "BlockLSTMV2"):
        for peephole in (False, True):
            row(
                f"{name} peephole {peephole}",
                op(name, np.int64(3), *gates, use_peephole=peephole)[6],
                dtype="float32",
                # Python takes the gates of version 2 in version 1's order.
                python=name == "BlockLSTM",
            )
    row("EuclideanNorm", op("EuclideanNorm", x(2, 3, 2), ints(-1, 0), keep_dims=True))
    row("SparseSoftmaxCrossEntropyWithLogits", op("SparseSoftmaxCrossEntropyWithLogits", x(3, 4), ints(2, 0, 1)))
    row("IdentityN", *(lambda n: (op("Mul", n[0], n[1]),))(op("IdentityN", [x(2), x(2)])))


def sparse():
    places = longs([0, 1], [1, 0], [2, 2])
    shape = longs(3, 4)
    row("SparseToDense", op("SparseToDense", longs([0, 1], [2, 3]), shape, x(2), x()))
    row("SparseToDense of a vector", op("SparseToDense", longs(1, 3), longs(5), x(2), x()), python=False)
    row("SparseToDense of one value", op("SparseToDense", longs(1, 3), longs(5), x(), x()), python=False)
    row("SparseReorder", op("SparseReorder", longs([2, 2], [0, 1], [1, 0]), x(3), shape)[1])
    row("SparseTensorDenseAdd", op("SparseTensorDenseAdd", places, x(3), shape, x(3, 4)))
    row("SparseReduceSum", op("SparseReduceSum", places, x(3), shape, ints(-1)))
    row("SparseReduceSum keeping dimensions", op("SparseReduceSum", places, x(3), shape, ints(0), keep_dims=True))
    row("SparseAdd", op("SparseAdd", places, x(3), shape, longs([0, 1], [2, 3]), x(2), shape, 0.0)[1])
    row("SparseFillEmptyRows", op("SparseFillEmptyRows", longs([0, 1], [2, 2]), x(2), shape, x())[1])
    row("SparseSlice", op("SparseSlice", places, x(3), shape, longs(1, 0), longs(2, 3))[1])
    row("SparseDenseCwiseMul", op("SparseDenseCwiseMul", places, x(3), shape, x(3, 4)))
    row("SparseDenseCwiseMul broadcast", op("SparseDenseCwiseMul", places, x(3), shape, x(4)))
    row("SparseDenseCwiseDiv", op("SparseDenseCwiseDiv", places, x(3), shape, x(4, low=0.5, high=2)))
    row("SparseDenseCwiseAdd", op("SparseDenseCwiseAdd", places, x(3), shape, x(4)), python=False)
    for a in (False, True):
        for b in (False, True):
            inner = 3 if a else 4
            row(
                f"SparseTensorDenseMatMul {a} {b}",
                op("SparseTensorDenseMatMul", places, x(3), shape, x(*((2, inner) if b else (inner, 2))), adjoint_a=a, adjoint_b=b),
            )
    row("RaggedTensorToSparse", op("RaggedTensorToSparse", [longs(0, 2, 3)], x(3))[1])


def fourier():
    shapes = {"": (2, 4), "2D": (2, 3, 4), "3D": (1, 2, 3, 4)}
    for suffix, shape in shapes.items():
        size = {"": (3,), "2D": (2, 3), "3D": (1, 2, 3)}[suffix]
        row(f"FFT{suffix}", *parts(op(f"FFT{suffix}", complex_of(*shape))), dtype="float32")
        row(f"IFFT{suffix}", *parts(op(f"IFFT{suffix}", complex_of(*shape))), dtype="float32")
        for name, sizes in (("even", shape[-len(size) :]), ("cut", size)):
            spectrum = shape[: -len(size)] + sizes[:-1] + (sizes[-1] // 2 + 1,)
            exact = name == "even" and suffix != "3D"
            row(
                f"RFFT{suffix} {name}",
                *parts(op(f"RFFT{suffix}", x(*shape), ints(*sizes), Tcomplex=COMPLEX)),
                dtype="float32",
                python=exact,
            )
            row(
                f"IRFFT{suffix} {name}",
                op(f"IRFFT{suffix}", complex_of(*spectrum), ints(*sizes), Treal=T),
                dtype="float32",
                python=exact,
            )
            row(
                f"IRFFT{suffix} {name} of more",
                op(f"IRFFT{suffix}", complex_of(*shape), ints(*sizes), Treal=T),
                dtype="float32",
                python=False,
            )



def repaired():
    """Operations whose C++ gradient is wrong: Java puts RepairedGradients' IdentityN behind them."""
    ones, pads = [1, 1, 1, 1], [0, 0, 1, 0, 2, 1, 0, 0]
    image = x(2, 5, 5, 2)
    # TensorFlow's kernels for the CPU have no gradient of a dilated convolution.
    for padding in ("SAME", "VALID"):
        dilated = {"strides": ones, "padding": padding, "dilations": [1, 2, 2, 1]}
        row(f"Conv2D dilated {padding}", op("Conv2D", image, x(2, 3, 2, 3), **dilated), python=False)
    explicit = {"strides": [1, 2, 1, 1], "padding": "EXPLICIT", "explicit_paddings": pads}
    row("Conv2D explicit", op("Conv2D", image, x(2, 2, 2, 3), **explicit))
    row("Conv2D explicit and dilated", op("Conv2D", image, x(2, 2, 2, 3), **{**explicit, "strides": ones, "dilations": [1, 2, 1, 1], "explicit_paddings": [0, 0, 1, 0, 1, 1, 0, 0]}), python=False)
    row("DepthwiseConv2dNative explicit", op("DepthwiseConv2dNative", image, x(2, 2, 2, 2), **{**explicit, "strides": ones}))
    row("MaxPool explicit", op("MaxPool", image, ksize=[1, 2, 2, 1], **{**explicit, "explicit_paddings": [0, 0, 1, 0, 0, 1, 0, 0]}), dtype="float32")
    row("LRN", op("LRN", x(1, 2, 2, 4), depth_radius=1, bias=0.5, alpha=0.25, beta=0.75), dtype="float32")
    row("Atan2", op("Atan2", x(2, 3, low=0.5, high=2), x(3, low=0.5, high=2)))
    row("Atan2 of equal shapes", op("Atan2", x(3), x(3, low=0.5, high=2)))
    # The operation takes labels to sum to 1.
    cross = op("SoftmaxCrossEntropyWithLogits", x(3, 4), op("Softmax", x(3, 4)))
    row("SoftmaxCrossEntropyWithLogits", cross)
    row("SoftmaxCrossEntropyWithLogits, both outputs", cross, cross[1], python=False)
    row("SoftmaxCrossEntropyWithLogits broadcast", op("SoftmaxCrossEntropyWithLogits", x(3, 4), op("Softmax", x(1, 4))), python=False)
    row("QuantizeAndDequantizeV4", op("QuantizeAndDequantizeV4", x(6, low=-2, high=2), -1.0, 1.0, range_given=True), differences=False)
    z = op("Complex", x(2, 3), x(3), Tout=COMPLEX)
    row("Complex Real Imag", op("Mul", *parts(z)), op("Imag", op("Mul", z, z), Tout=T))
    row("Angle", op("Angle", op("Complex", x(4, low=0.5, high=2), x(4), Tout=COMPLEX), Tout=T))
    row("FFT in complex128", *parts(op("FFT", complex_of(4))))
    row("ComplexAbs in complex128", op("ComplexAbs", complex_of(4), Tout=T))


lists()
elements()
derivatives()
linear_algebra()
segments()
indexing()
layers()
sparse()
fourier()
repaired()
