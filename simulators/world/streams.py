"""Random streams of the simulated world: one seed, one generator for each noise source."""

import numpy as np


class Streams:
    """`streams["laser jitter"]`: the generator of one noise source.

    Every stream is a child of one `numpy.random.SeedSequence`, keyed by its name: it does not
    depend on which other streams exist or on the order in which they are first used.
    """

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise ValueError(f"seed must not be negative, got {seed}")
        self.seed = seed
        self._generators: dict[str, np.random.Generator] = {}

    def __getitem__(self, name: str) -> np.random.Generator:
        if name not in self._generators:
            sequence = np.random.SeedSequence(self.seed, spawn_key=tuple(name.encode()))
            self._generators[name] = np.random.default_rng(sequence)
        return self._generators[name]
