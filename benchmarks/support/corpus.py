"""A large conversation for benchmarks: invented words and characters with realistic frequencies.

Half of the messages consist of words in Latin letters, half of Chinese characters without spaces.
Frequencies fall as in natural languages: some words are in every third message, others in few.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
_WORDS = 20_000
_CHARACTERS = 3_500


class Corpus:
    """Yields the same texts for the same `seed`. `words` and `characters`: most frequent first."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self.words = list(dict.fromkeys(self._word() for _ in range(_WORDS)))
        self.characters = [chr(0x4E00 + 5 * n) for n in range(_CHARACTERS)]
        self._random.shuffle(self.characters)
        self._word_weights = _falling(len(self.words), 1.0, 1)
        self._character_weights = _falling(len(self.characters), 0.9, 5)

    def texts(self, count: int) -> Iterator[str]:
        """Yield `count` messages of 3 to 25 words, or of 5 to 60 characters."""
        pick = self._random
        for _ in range(count):
            if pick.random() < 0.5:
                number = pick.randint(3, 25)
                yield " ".join(pick.choices(self.words, cum_weights=self._word_weights, k=number))
            else:
                number = pick.randint(5, 60)
                yield "".join(
                    pick.choices(self.characters, cum_weights=self._character_weights, k=number)
                )

    def _word(self) -> str:
        number = self._random.randint(1, 4)
        return "".join(self._random.choices(_SYLLABLES, k=number))


def _falling(count: int, power: float, start: int) -> list[float]:
    """Return running sums of weights that fall with the rank, like the frequencies of words."""
    return list(itertools.accumulate(1 / (rank + start) ** power for rank in range(count)))
