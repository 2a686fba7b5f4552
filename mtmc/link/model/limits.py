"""What the network linker takes for granted about any scene: how far and how long vehicles travel, how wrong clocks can be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """max_travel_s: longest journey between two cameras that is looked for; max_overlap_s: how long before leaving one view a vehicle
    may enter the next; max_clock_error_s: how far apart two unknown clocks may be; least_probability: links below it are not made."""

    max_travel_s: float = 300.0
    max_overlap_s: float = 15.0
    max_clock_error_s: float = 90.0
    least_probability: float = 0.4

    def span_s(self, clocks_agree: bool) -> tuple[float, float]:
        """Range of seconds from an exit to the entry that may follow, by the cameras' own clocks."""
        slack = 0.0 if clocks_agree else self.max_clock_error_s
        return -self.max_overlap_s - slack, self.max_travel_s + slack
