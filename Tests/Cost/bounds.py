"""The bounds: what one request may need at most, a tenth or a little more above what is measured. Instructions are those of x86-64."""

CHANNEL, ROUTE = "in the channel", "by the route"

ALLOCATIONS = {
    ("GET /v1/auth/api", CHANNEL): 51,
    ("GET /v1/auth/api", ROUTE): 126,
    ("POST /v1/gate", CHANNEL): 81,
    ("POST /v1/gate", ROUTE): 125,
    ("POST /v1/gate/batch", CHANNEL): 602,
    ("POST /v1/gate/batch", ROUTE): 645,
    # The channel leaves it to the route.
    ("GET /v1/session", ROUTE): 189,
}
INSTRUCTIONS = {
    ("GET /v1/auth/api", CHANNEL): 150_000,
    ("GET /v1/auth/api", ROUTE): 430_000,
    ("POST /v1/gate", CHANNEL): 226_000,
    ("POST /v1/gate", ROUTE): 505_000,
}
# The share of the route's cost that the channel spares at least. Of a batch's allocations most are those of its questions.
ALLOCATIONS_SPARED = 0.05
INSTRUCTIONS_SPARED = 0.25


def hold(claims, unit, costs, bounds, spared):
    """Claims that each cost keeps its bound, and that the channel spares its share."""
    for (name, way), bound in bounds.items():
        cost = costs[name, way]
        told = f"{cost:,.1f}" if cost < 1_000 else f"{cost:,.0f}"
        claims(f"{name} {way}: {told} {unit}, at most {bound:,}", cost <= bound, f"{cost / bound - 1:.1%} more")
    for name, way in bounds:
        if way == CHANNEL:
            share = 1 - costs[name, CHANNEL] / costs[name, ROUTE]
            claims(f"{name}: the channel spares {share:.0%} of the {unit}, at least {spared:.0%}", share >= spared, share)
