"""The bounds: what one request may need at most, a tenth or a little more above what is measured. Instructions are those of x86-64."""

CHANNEL, ROUTE = "in the channel", "by the route"
# The questions of the batch: its cost is told and bounded by the question.
BATCH = 10
QUESTIONS = {"POST /v1/gate/batch": BATCH}

ALLOCATIONS = {
    ("GET /v1/auth/api", CHANNEL): 51,
    ("GET /v1/auth/api", ROUTE): 126,
    ("POST /v1/gate", CHANNEL): 60,
    ("POST /v1/gate", ROUTE): 115,
    ("POST /v1/gate/batch", CHANNEL): 50,
    ("POST /v1/gate/batch", ROUTE): 56,
    # The channel leaves it to the route.
    ("GET /v1/session", ROUTE): 185,
}
INSTRUCTIONS = {
    ("GET /v1/auth/api", CHANNEL): 132_000,
    ("GET /v1/auth/api", ROUTE): 405_000,
    ("POST /v1/gate", CHANNEL): 157_000,
    ("POST /v1/gate", ROUTE): 450_000,
    ("POST /v1/gate/batch", CHANNEL): 119_000,
    ("GET /v1/session", ROUTE): 509_000,
}
# The share of the route's cost that the channel spares at least. Of a batch's allocations most are those of its questions.
ALLOCATIONS_SPARED = 0.05
INSTRUCTIONS_SPARED = 0.25


def hold(claims, unit, costs, bounds, spared):
    """Claims that each cost keeps its bound, and that the channel spares its share where both ways are measured."""
    for (name, way), bound in bounds.items():
        cost = costs[name, way] / QUESTIONS.get(name, 1)
        told = f"{cost:,.1f}" if cost < 1_000 else f"{cost:,.0f}"
        of = f"{unit} a question" if name in QUESTIONS else unit
        claims(f"{name} {way}: {told} {of}, at most {bound:,}", cost <= bound, f"{cost / bound - 1:.1%} more")
    for name, way in bounds:
        if way == CHANNEL and (name, ROUTE) in bounds:
            share = 1 - costs[name, CHANNEL] / costs[name, ROUTE]
            claims(f"{name}: the channel spares {share:.0%} of the {unit}, at least {spared:.0%}", share >= spared, share)
