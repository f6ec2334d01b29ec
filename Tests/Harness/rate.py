"""Calls at a fixed mean rate, with the times of each answer. The load runs in processes of its own, and each call's time counts from
when it was due, not from when it was sent: a stall is seen by all that were due in it."""

import multiprocessing
import queue
import random
import threading
import time

from . import wire
from .priority import set_priority
from .process import Failure

CONNECTIONS_OF_PROCESS = 32
# After the last call is due: for the answers that are still to come, then for the samples of all.
ANSWERS_SECONDS, SAMPLES_SECONDS = 60, 60
# The shortest there is: an answer is seen when it comes, and not when the service's threads have had their time.
SLICE_MILLISECONDS = 0.1


class Sample:
    """One call and its outcome."""

    __slots__ = ("due", "seconds", "outcome", "source")

    def __init__(self, due, seconds, outcome, source):
        self.due, self.seconds, self.outcome, self.source = due, seconds, outcome, source


def moments(rate, start, seconds, chooser):
    """When calls are due that know nothing of each other, as in life. At equal distances they would all meet the service's own timers in
    the same phase, another one in each run."""
    moment = start
    while (moment := moment + chooser.expovariate(rate)) < start + seconds:
        yield moment


def drive(port, ask, rate, start, seconds, seed, results):
    """Makes `rate` calls a second for `seconds` from `start`; puts the samples in `results`. `ask(connection, chooser)` makes one, and
    gives its outcome and its source. A call that has none by the end is `unanswered`."""
    set_priority(0, SLICE_MILLISECONDS)
    due, called, samples = queue.SimpleQueue(), [], []

    def work():
        connection = wire.HTTP(port, 10)
        while (moment := due.get()) is not None:
            try:
                outcome, source = ask(connection, chooser)
            except (wire.NotSent, wire.NoAnswer) as error:
                outcome, source = type(error).__name__, None
            samples.append(Sample(moment, time.monotonic() - moment, outcome, source))

    chooser = random.Random(seed)
    threads = [threading.Thread(target=work, daemon=True) for _ in range(CONNECTIONS_OF_PROCESS)]
    for thread in threads:
        thread.start()
    for moment in moments(rate, start, seconds, random.Random(seed)):
        if (wait := moment - time.monotonic()) > 0:
            time.sleep(wait)
        called.append(moment)
        due.put(moment)
    for _ in threads:
        due.put(None)
    end = time.monotonic() + ANSWERS_SECONDS
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    answered, now = list(samples), time.monotonic()
    known = {sample.due for sample in answered}
    answered += [Sample(moment, now - moment, "unanswered", None) for moment in called if moment not in known]
    results.put([(s.due, s.seconds, s.outcome, s.source) for s in answered])


class Load:
    """Calls at `rate` a second for `seconds`, by two processes; `samples()` waits for their end. For `ask` see `drive`."""

    def __init__(self, service, ask, rate, seconds, seed=1, drivers=2):
        context = multiprocessing.get_context("fork")
        self.results, self.start = context.Queue(), time.monotonic() + 0.3
        self.end = self.start + seconds
        self.drivers = [
            context.Process(
                target=drive, daemon=True,
                args=(service.apis[n % len(service.apis)].port, ask, rate / drivers, self.start, seconds, seed + n, self.results))
            for n in range(drivers)
        ]  # fmt: skip
        for driver in self.drivers:
            driver.start()

    def samples(self):
        found, last = [], self.end + ANSWERS_SECONDS + SAMPLES_SECONDS
        for _ in self.drivers:
            try:
                found += [Sample(*values) for values in self.results.get(timeout=max(0, last - time.monotonic()))]
            except queue.Empty:
                raise Failure("a process that calls at a fixed rate gave no samples after its end") from None
        for driver in self.drivers:
            driver.join(30)
        return sorted(found, key=lambda sample: sample.due)


class GateLoad(Load):
    """Gate calls of these sessions."""

    def __init__(self, service, tokens, rate, seconds, seed=1, drivers=2, limits=()):
        bodies, key = [{"token": token, "limits": list(limits)} for token in tokens], service.key("gate")

        def ask(connection, chooser):
            answer = connection.ask("POST", "/v1/gate", bodies[chooser.randrange(len(bodies))], key)
            told = answer.json
            return told["decision"] if answer.status == 200 else str(answer.status), told.get("source")

        super().__init__(service, ask, rate, seconds, seed, drivers)


def within(spans, samples):
    """The samples that were due in one of `spans`, each from a moment to before another."""
    return [sample for sample in samples if any(start <= sample.due < stop for start, stop in spans)]


def percentile(samples, share):
    """The time in milliseconds within which `share` of the samples were answered."""
    times = sorted(sample.seconds for sample in samples)
    return 1000 * times[min(len(times) - 1, int(share * len(times)))] if times else float("nan")


def outcomes(samples):
    counts = {}
    for sample in samples:
        name = f"{sample.outcome}/{sample.source}" if sample.source else sample.outcome
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def line(title, samples):
    return (f"{title:34} {len(samples):7} calls  p50 {percentile(samples, 0.5):7.1f}  p99 {percentile(samples, 0.99):7.1f}  "
            f"p99.9 {percentile(samples, 0.999):7.1f} ms  {outcomes(samples)}")  # fmt: skip


def wrong(samples):
    """Answers that no valid session may get."""
    return [sample for sample in samples if sample.outcome != "allow"]
