"""The bounds: what one request may need at most, a tenth or a little more above what is measured. Instructions are those of x86-64."""

CHANNEL, ROUTE = "in the channel", "by the route"

ALLOCATIONS = {
    ("GET /v1/auth/api", CHANNEL): 51,
    ("GET /v1/auth/api", ROUTE): 126,
    ("POST /v1/gate", CHANNEL): 60,
    ("POST /v1/gate", ROUTE): 115,
    ("POST /v1/gate/batch", CHANNEL): 505,
    ("POST /v1/gate/batch", ROUTE): 560,
    # The channel leaves it to the route.
    ("GET /v1/session", ROUTE): 185,
}
INSTRUCTIONS = {
    ("GET /v1/auth/api", CHANNEL): 132_000,
    ("GET /v1/auth/api", ROUTE): 405_000,
    ("POST /v1/gate", CHANNEL): 157_000,
    ("POST /v1/gate", ROUTE): 450_000,
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
