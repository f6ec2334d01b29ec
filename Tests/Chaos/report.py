"""The end of a run: the table of faults, the facts, the verdict."""

SHOWN_MAX = 5
DETAIL_MAX = 1_500


def tell(run, seconds):
    """Prints it all; the verdict is the last line."""
    if table := run.facts.pop("faults", {}):
        print(f"\n{'fault':16} {'times':>5} {'events':>7} {'worst recovery':>15}")
        for name, (count, events, worst) in sorted(table.items()):
            print(f"{name:16} {count:5} {events:7} {worst:13.2f} s")
        print(f"{'together':16} {sum(row[0] for row in table.values()):5} {sum(row[1] for row in table.values()):7}")
    print()
    for name, value in run.facts.items():
        print(f"{name}: {value:,}")
    print()
    print_sentences(run)
    tell_broken(run.violations)
    print(f"{'FAILED' if run.violations else 'PASSED'}  seed {run.seed}, {seconds:.0f} s", flush=True)


def print_sentences(run):
    """The promises as this run saw them."""
    broken = {claim for claim, _ in run.violations}
    facts = run.facts
    for claim, seen in (
        ("no session was logged out", f"{facts['sessions live at the end']:,} sessions live, each verified at the end"),
        ("nothing ended verified again", f"{facts['sessions ended']:,} sessions ended"),
        ("each answer belonged to its asker", f"{facts['sessions verified as live']:,} answers compared"),
        ("no allowance was exceeded", f"{facts['units granted']:,} units granted"),
        ("counters are linearizable", "every count had an interval of its own"),
        ("windows never let more pass", "swept over every timeline of Redis"),
        ("acknowledged users are there", f"{facts['users']:,} users"),
        ("acknowledged sessions are there", f"{facts['sessions']:,} sessions ever opened"),
        ("acknowledged analyses are there", f"{facts['analyses']:,} analyses"),
        ("acknowledged usage is there, once", f"{facts['usage events']:,} events"),
        ("the SQLite file is sound", "integrity_check and foreign_key_check"),
        ("no key without a time to live", "every key of Redis looked at"),
        ("no answer with 500", f"{facts['answers']:,} answers, {facts['answers 503']:,} of them 503 with Retry-After"),
        ("the service survives and recovers", "served by Redis again after every fault"),
    ):
        print(f"{'BROKEN' if claim in broken else 'kept  '}  {claim}: {seen}")


def tell_broken(violations):
    claims = {}
    for claim, detail in violations:
        claims.setdefault(claim, []).append(detail)
    for claim, details in claims.items():
        print(f"\nBROKEN  {claim}: {len(details)} times")
        for detail in details[:SHOWN_MAX]:
            print(f"        {str(detail)[:DETAIL_MAX]}")
    print()
