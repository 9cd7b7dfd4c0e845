"""What was measured: values by metric and server, their medians, and how these stand to the goals."""
import statistics
from dataclasses import dataclass, field

# Beside these nobody is a peer.
NO_PEERS = ("dmpm", "floor")


@dataclass
class Metric:
    """One line of the table. `goal` times the reference's value ("best": the best peer's), or the goal
    itself when there is no reference. Less is better, but for what grows."""
    name: str
    title: str
    unit: str
    reference: str | None = "best"
    goal: float | None = None
    grows: bool = False
    values: dict = field(default_factory=dict)  # server -> [one value a round]

    def add(self, server, value):
        self.values.setdefault(server, []).append(value)

    def median(self, server):
        return statistics.median(self.values[server]) if server in self.values else None

    def spread(self, server):
        """From the least to the most of its rounds, as a part of the median."""
        values = self.values[server]
        return (max(values) - min(values)) / abs(self.median(server)) if self.median(server) else 0.0

    def reference_server(self):
        if self.reference != "best":
            return self.reference
        peers = [name for name in self.values if name not in NO_PEERS]
        return min(peers, key=self.median, default=None)

    def bound(self):
        """What dmpm may have at most (at least, for what grows); None when the reference is missing."""
        if self.goal is None:
            return None
        if self.reference is None:
            return self.goal
        of = self.median(self.reference_server())
        return None if of is None else of * self.goal

    def ratio(self):
        """dmpm's value as a part of the reference's."""
        if self.reference is None or self.median("dmpm") is None:
            return None
        of = self.median(self.reference_server())
        return self.median("dmpm") / of if of else None

    def met(self):
        """Whether the goal is; None when that cannot be said."""
        bound, value = self.bound(), self.median("dmpm")
        if bound is None or value is None:
            return None
        return value >= bound if self.grows else value <= bound

    def to_json(self):
        return {"title": self.title, "unit": self.unit, "reference": self.reference,
                "goal": self.goal, "bound": self.bound(), "met": self.met(),
                "servers": {name: {"median": self.median(name), "spread": self.spread(name),
                                   "rounds": values} for name, values in self.values.items()}}


class Results:
    def __init__(self):
        self.metrics = {}

    def metric(self, name, title, unit, **goal):
        if name not in self.metrics:
            self.metrics[name] = Metric(name, title, unit, **goal)
        return self.metrics[name]

    def __iter__(self):
        return (metric for metric in self.metrics.values() if metric.values)

    def servers(self):
        """In the order of the table: peers, floor, dmpm."""
        seen = {name: None for metric in self for name in metric.values}
        return [name for name in seen if name not in NO_PEERS] + [
            name for name in ("floor", "dmpm") if name in seen]

    def to_json(self):
        return {metric.name: metric.to_json() for metric in self}
