"""Which coefficients the scans of a JPEG file hold (ITU-T T.81 §B.2.3 and annex G)."""

from collections import defaultdict


class Sent:
    """Keeps count scan by scan: for every channel and coefficient, how many of its lower bits are still to come.

    A sequential file sends whole channels; a progressive one sends bands of coefficients, their upper bits first.
    """

    def __init__(self, is_progressive: bool) -> None:
        self._is_progressive = is_progressive
        self._to_come: defaultdict[int, dict[int, int]] = defaultdict(dict)

    def add(self, header: bytes) -> None:
        """Take a scan's header: number of channels, two bytes for each, first and last coefficient, bit positions."""
        count = header[0] if header else 0
        if len(header) != 4 + 2 * count:
            return
        first, last, bits = header[1 + 2 * count :]
        band = range(first, min(last, 63) + 1) if self._is_progressive else range(1)
        low = bits & 0x0F if self._is_progressive else 0
        for channel in header[1 : 1 + 2 * count : 2]:
            self._to_come[channel].update(dict.fromkeys(band, low))

    def is_all(self, channels: bytes, *, has_end: bool) -> bool:
        """Whether nothing is to come: every channel was begun, and what was begun is finished.

        Coefficients that were never begun may be zero throughout, if the file ends with its end marker.
        """
        least = 1 if has_end or not self._is_progressive else 64
        sent = [self._to_come[channel] for channel in channels]
        return all(0 in each and len(each) >= least and not any(each.values()) for each in sent)
