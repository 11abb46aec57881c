"""Which pixels the units along one direction can depend on: the first and the last, for every unit.

So a unit's field is known by its place and not by its size alone: of two branches that look at different
places, what both see together is right. Units are also kept for a wide margin around the picture, so that
what lies in the padding counts as it would inside: fields are those of units far from any border.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

MARGIN = 4096  # px on both sides of a picture
FAR = 2**30  # a unit that depends on nothing: from FAR to -FAR


class TooWide(Exception):
    """A field is larger than the margin."""


@dataclass(frozen=True)
class Span:
    """first, last: (entries,) pixels of each unit, the picture's own being 0 … picture − 1. start: the entry of
    the layer's unit 0, those before it lie in the padding. alike: all units are as the only entry says."""

    picture: int
    first: np.ndarray
    last: np.ndarray
    start: int = 0
    alike: bool = False

    def size(self, units: int) -> int:
        """How many px the middle one of a layer's units spans. Raises TooWide where that is not known."""
        middle = self._middle(units)
        return max(0, int(self.last[middle] - self.first[middle]) + 1)

    def windows(self, units: int, kernel: int, stride: int, dilation: int, same: bool) -> "Span":
        """After a convolution or pool over so many units; same: with Keras' padding `same`."""
        reach = (kernel - 1) * dilation + 1
        before = max((math.ceil(units / stride) - 1) * stride + reach - units, 0) // 2 if same else 0
        return self._taken([tap * dilation - before for tap in range(kernel)], stride)

    def transposed(self, kernel: int, stride: int, dilation: int, same: bool) -> "Span":
        """After a transposed convolution: unit i is made by the inputs j for which its kernel, laid at
        stride · j, covers i."""
        if self.alike:
            return self
        reach = (kernel - 1) * dilation + 1
        cut = max(reach - stride, 0) // 2 if same else 0
        begin = math.ceil(reach / stride)  # input entries that the first output must have before it
        at = np.arange((begin - self.start) * stride, (len(self.first) - begin - self.start) * stride)
        if not len(at):
            raise TooWide
        first, last = np.full(len(at), FAR), np.full(len(at), -FAR)
        for tap in range(0, reach, dilation):
            there = (at - tap) % stride == 0
            entry = (at[there] - tap) // stride + self.start
            first[there] = np.minimum(first[there], self.first[entry])
            last[there] = np.maximum(last[there], self.last[entry])
        return replace(self, first=first, last=last, start=cut - int(at[0]))

    def repeated(self, times: int) -> "Span":
        """After upsampling that repeats each unit."""
        if self.alike:
            return self
        return replace(
            self,
            first=np.repeat(self.first, times),
            last=np.repeat(self.last, times),
            start=self.start * times,
        )

    def shifted(self, units: int) -> "Span":
        """After so many first units are cut off; below zero: padded."""
        return self if self.alike else replace(self, start=self.start + units)

    def everything(self, units: int) -> "Span":
        """After something that looks at all units of a layer at once."""
        if self.alike:
            return self
        first, last = (values[self.start : self.start + units] for values in (self.first, self.last))
        if self.start < 0 or len(first) < units:
            raise TooWide
        low, high = max(0, int(first.min())), min(self.picture - 1, int(last.max()))
        return Span(self.picture, np.array([low]), np.array([high]), alike=True)

    def covers(self, units: int) -> bool:
        """Whether the middle unit sees all of the picture. Raises TooWide."""
        middle = self._middle(units)
        return bool(self.first[middle] <= 0 and self.last[middle] >= self.picture - 1)

    def _middle(self, units: int) -> int:
        middle = 0 if self.alike else self.start + units // 2
        if not 0 <= middle < len(self.first):
            raise TooWide
        return middle

    def _taken(self, taps: Sequence[int], stride: int) -> "Span":
        if self.alike:
            return self
        low = math.ceil(-(self.start + taps[0]) / stride)
        high = (len(self.first) - 1 - self.start - taps[-1]) // stride
        if high < low:
            raise TooWide
        at = self.start + np.arange(low, high + 1) * stride
        first = np.min([self.first[at + tap] for tap in taps], axis=0)
        last = np.max([self.last[at + tap] for tap in taps], axis=0)
        return replace(self, first=first, last=last, start=-low)


def pixels(count: int) -> Span:
    """A picture's own rows or columns: each unit is a pixel."""
    all_pixels = np.arange(-MARGIN, count + MARGIN)
    return Span(count, all_pixels, all_pixels, MARGIN)


def together(spans: Sequence[Span]) -> Span:
    """Unit by unit, from the first to the last pixel that any of the inputs sees."""
    wide = [span for span in spans if not span.alike]
    begin = min((span.start for span in wide), default=0)
    count = min((len(span.first) - span.start for span in wide), default=1) + begin
    if count < 1:
        raise TooWide

    def cut(span: Span, values: np.ndarray) -> np.ndarray:
        return values if span.alike else values[span.start - begin :][:count]

    first = np.minimum.reduce(np.broadcast_arrays(*(cut(span, span.first) for span in spans)))
    last = np.maximum.reduce(np.broadcast_arrays(*(cut(span, span.last) for span in spans)))
    return Span(spans[0].picture, first, last, begin, alike=not wide)
