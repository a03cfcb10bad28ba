"""The trained model as a value: read from `data/model.npz`, which `make model` writes."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, Self

import numpy as np
import numpy.typing as npt

BLOCKS = ("words", "letters", "pairs")
FILE = "model.npz"

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Block:
    """The features of one sort: n keys, one row of weights each, and what each adds to the length of a text.

    `weights` (n, heads) are signed bytes, to be multiplied by `scales` (n). A text's score is the sum of the rows of
    its features, divided by the text's length, the square root of the sum of their `squares`
    and a damping: long texts do not shout.
    """

    keys: Sequence[str]
    weights: Bytes
    scales: Floats
    squares: Floats

    @cached_property
    def at(self) -> Mapping[str, int]:
        """Key → row."""
        return {key: row for row, key in enumerate(self.keys)}

    def rows(self, chosen: npt.NDArray[np.intp] | slice) -> Floats:
        """The weights of some rows with their squares in a last column, (rows, heads + 1)."""
        weights = self.weights[chosen].astype(np.float32) * self.scales[chosen, None]
        return np.concatenate([weights, self.squares[chosen, None]], axis=1)


@dataclass(frozen=True)
class Model:
    """Weights for every topic, every kind and urgency, in that order; thresholds; and what it was trained on.

    `about` holds `data` (file → SHA-256), `scores`, and `held_out` (message id → topic chosen when it was held out).
    """

    topics: tuple[str, ...]
    kinds: tuple[str, ...]
    blocks: Mapping[str, Block]
    bias: Floats
    thresholds: Floats
    places: frozenset[str]
    about: Mapping[str, Any]

    @classmethod
    def read(cls) -> Self:
        """The model that goes with the code; FileNotFoundError when there is none."""
        return cls.from_bytes(files("routing").joinpath("data", FILE).read_bytes())

    @classmethod
    def from_bytes(cls, packed: bytes) -> Self:
        """The contents of the file."""
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            return cls(
                topics=tuple(about["topics"]),
                kinds=tuple(about["kinds"]),
                blocks={name: _block(arrays, name) for name in BLOCKS},
                bias=arrays["bias"],
                thresholds=arrays["thresholds"],
                places=frozenset(_strings(arrays["places"])),
                about=about,
            )

    def to_bytes(self) -> bytes:
        """The file's contents, the same bytes for the same model."""
        arrays: dict[str, npt.NDArray[Any]] = {"bias": self.bias, "thresholds": self.thresholds}
        arrays["places"] = _packed("\n".join(sorted(self.places)))
        about = {**self.about, "topics": self.topics, "kinds": self.kinds}
        arrays["about"] = _packed(json.dumps(about, sort_keys=True, ensure_ascii=False))
        for name, block in self.blocks.items():
            arrays[f"{name}.keys"] = _packed("\n".join(block.keys))
            arrays[f"{name}.weights"] = block.weights
            arrays[f"{name}.scales"] = block.scales
            arrays[f"{name}.squares"] = block.squares
        packed = io.BytesIO()
        np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]  # its stub takes the names for allow_pickle
        return packed.getvalue()


def _block(arrays: Any, name: str) -> Block:
    keys = _strings(arrays[f"{name}.keys"])
    return Block(keys, arrays[f"{name}.weights"], arrays[f"{name}.scales"], arrays[f"{name}.squares"])


def _packed(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _strings(packed: npt.NDArray[np.uint8]) -> list[str]:
    return packed.tobytes().decode().split("\n") if packed.size else []
