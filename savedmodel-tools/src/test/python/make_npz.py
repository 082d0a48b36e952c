"""Writes the .npz files that NpzDataTest reads, next to the other test resources.

Run with any NumPy from 1.20 on:  python make_npz.py ../resources/npz
"""

import io
import pathlib
import sys
import zipfile

import numpy as np

TARGET = pathlib.Path(sys.argv[1])
NUMBERS = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


def numbers(dtype):
    """Three rows of [2, 2]; values that every dtype holds."""
    return np.arange(12).reshape(3, 2, 2).astype(dtype)


def save_with_version(path, version, **arrays):
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(name + ".npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, version=version)


def main():
    TARGET.mkdir(parents=True, exist_ok=True)
    every = {dtype: numbers(dtype) for dtype in NUMBERS}
    every["b1"] = numbers("i4") % 3 == 0
    np.savez(TARGET / "every_dtype.npz", **every)
    np.savez_compressed(TARGET / "compressed.npz", **every)
    np.savez(
        TARGET / "orders.npz",
        big=numbers(">f4"),
        big_int=numbers(">i8"),
        fortran=np.asfortranarray(numbers("f4")),
        big_fortran=np.asfortranarray(numbers(">i2")),
        fortran_words=np.asfortranarray(np.array([["a", "bb"], ["c", "d"], ["e", "f"]])),
    )
    np.savez(
        TARGET / "strings.npz",
        unicode=np.array(["Zürich", "", "日本 𝄞"]),
        big_unicode=np.array(["a", "bc", "def"]).astype(">U3"),
        bytes=np.array([b"one", b"\xff\x00two", b""]),
    )
    np.savez(
        TARGET / "limits.npz",
        i8=np.array([-(2**63), 2**63 - 1]),
        u8=np.array([0, 2**64 - 1], dtype="u8"),
        f2=np.array([6.1e-5, 65504.0], dtype="f2"),
        f2_small=np.array([6e-8, -np.inf], dtype="f2"),
        f4=np.array([np.nan, 3e38], dtype="f4"),
    )
    for version in [(1, 0), (2, 0), (3, 0)]:
        save_with_version(TARGET / f"version{version[0]}.npz", version, x=numbers("f4"))
    np.savez(TARGET / "objects.npz", x=np.array([{"a": 1}, None], dtype=object))
    np.savez(TARGET / "complex.npz", x=np.array([1j, 2.0]))
    np.savez(TARGET / "structured.npz", x=np.zeros(2, dtype=[("a", "f4"), ("b", "i4")]))
    np.savez(TARGET / "dates.npz", x=np.array(["2026-01-01"], dtype="datetime64[D]"))
    np.savez(TARGET / "scalar.npz", x=np.zeros(3), y=np.float32(1))
    np.savez(TARGET / "uneven.npz", x=np.zeros(3), y=np.zeros(4))
    np.savez(TARGET / "empty.npz", x=np.zeros((0, 4), dtype="f4"))
    with zipfile.ZipFile(TARGET / "not_npy.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    whole = io.BytesIO()
    np.savez(whole, x=np.zeros((100, 10)))
    (TARGET / "cut_off.npz").write_bytes(whole.getvalue()[:-2000])


if __name__ == "__main__":
    main()
