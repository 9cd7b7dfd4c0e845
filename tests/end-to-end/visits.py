"""A day of visits to many sites, and which of them a warm worker would meet.

The model: visits come as a Poisson process whose rate follows the day (least at 4 o'clock, most at 16,
nine times as many). The site of a visit is chosen by Zipf's law. A visit asks for pages, three in the
mean (geometric), with exponential pauses between them. What a page brings along (pictures, styles)
would come within its second and meet the same worker: it is left out.
"""
import collections
import heapq
import itertools
import math
import random

DAY = 24 * 3600
PAGES, PAUSE = 3, 40  # of a visit, in the mean; seconds between them

# `first`: of its visit.
Request = collections.namedtuple("Request", "time site first")


def rate(time):
    """Of the most that there is in a day."""
    return (1 - 0.8 * math.cos(2 * math.pi * (time / 3600 - 4) / 24)) / 1.8


def a_day(seed, sites, visits, exponent):
    """Requests in the order of their times (seconds since midnight)."""
    chance = random.Random(seed)
    weights = list(itertools.accumulate((n + 1) ** -exponent for n in range(sites)))
    requests = []
    for _ in range(visits):
        time = chance.uniform(0, DAY)
        while chance.random() > rate(time):
            time = chance.uniform(0, DAY)
        site, first = chance.choices(range(sites), cum_weights=weights)[0], True
        while time < DAY:
            requests.append(Request(time, site, first))
            if chance.random() < 1 / PAGES:
                break
            time, first = time + chance.expovariate(1 / PAUSE), False
    return sorted(requests)


def meet_warm(requests, sizes, idle_timeout, budget):
    """For each request whether it meets a warm worker: what docs/operations.md says of `keep_warm`,
    followed in the day's own time, with starts that take none. `sizes`: bytes of each site's worker."""
    awake, warm, held = {}, collections.OrderedDict(), 0  # awake: when last used
    ends, results = [], []
    for time, site, _ in requests:
        while ends and ends[0][0] <= time:
            idle, other = heapq.heappop(ends)
            if other not in awake or awake[other] + idle_timeout > idle:
                continue  # has been used since
            del awake[other]
            if sizes[other] > budget / 4:
                continue
            while held + sizes[other] > budget:
                held -= sizes[warm.popitem(last=False)[0]]
            warm[other] = None
            held += sizes[other]
        results.append(site in awake or site in warm)
        if site in warm:
            del warm[site]
            held -= sizes[site]
        awake[site] = time
        heapq.heappush(ends, (time + idle_timeout, site))
    return results
