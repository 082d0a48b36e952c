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


ROWS = {}
INT = {"type": "int32"}
T = {"type": "T"}


def x(*shape, low=-1, high=1):
    return Input(shape, low, high)


def op(type, *inputs, **attributes):
    return Op(type, inputs, attributes)


def row(name, *outputs, dtype="float64", differences=True):
    """Adds a row; `differences` says whether Java compares with differences of the value too."""
    assert name not in ROWS, name
    ROWS[name] = Row(outputs, dtype, differences)


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


lists()
