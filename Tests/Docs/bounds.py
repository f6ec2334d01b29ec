"""The table of bounds in docs/security.md, against the constants of the sources."""

import re

from tree import ROOT, page

# Each number of a row, with the file and the pattern that finds it there.
CONSTANTS = {
    "commands in flight to Redis": [("RedisClient/Values/RedisConfiguration.swift", r"pendingCommandsMax = ([\d_]+)")],
    "questions of batches to the gate": [("GatehouseHTTP/Payloads/RequestBounds.swift", r"batchMax = ([\d_]+)")],
    "users that are rebuilt": [
        ("GatehouseCore/Gate/Gatekeeper.swift", r"runningMax: ([\d_]+)"),
        ("GatehouseCore/Gate/Gatekeeper.swift", r"waitingMax: ([\d_]+)"),
    ],
    "writes to the ledger": [
        ("GatehouseLedger/Queues/LedgerBounds.swift", r"queueDepthMax = ([\d_]+)"),
        ("GatehouseLedger/Queues/LedgerBounds.swift", r"batchMax = ([\d_]+)"),
    ],
    "reads of the ledger that decide": [
        ("GatehouseLedger/Queues/ReadQueue.swift", r"depthMax: Int = ([\d_]+)"),
        ("GatehouseLedger/Queues/ReadQueue.swift", r"batchMax: Int = ([\d_]+)"),
        ("GatehouseLedger/Queues/LedgerBounds.swift", r"readersMax = ([\d_]+)"),
    ],
    "pages of lists": [
        ("GatehouseLedger/Queues/LedgerDatabase.swift", r"\.lists: .*depthMax: ([\d_]+)"),
        ("GatehouseLedger/Queues/LedgerBounds.swift", r"listReadersMax = ([\d_]+)"),
    ],
    "exports": [("GatehouseHTTP/Handlers/Exports.swift", r"max = ([\d_]+)")],
    "connections of the ops listener and the ops socket": [("gatehouse/Assembly/Descriptors.swift", r"min\(([\d_]+), min")],
    "passwords to hash": [("GatehouseCrypto/HashPool.swift", r"waitingMaxDefault = ([\d_]+)")],
}
NUMBER = re.compile(r"\d[\d,]*")


def run(claims):
    faults = list(wrong())
    claims("every number in the table of bounds is that of the sources", not faults, "".join(f"\n       {fault}" for fault in faults))


def wrong():
    rows = {row[0]: row[1] for row in page("docs/security.md").rows("## Connections, pools and queues")}
    for name, places in CONSTANTS.items():
        if name not in rows:
            yield f"docs/security.md has no row “{name}”"
            continue
        told = {int(number.replace(",", "")) for number in NUMBER.findall(rows[name])}
        for file, pattern in places:
            found = re.search(pattern, (ROOT / "Sources" / file).read_text())
            if not found:
                yield f"Sources/{file} has nothing like {pattern}"
            elif int(found[1].replace("_", "")) not in told:
                yield f"“{name}” is {rows[name]}, and {file} has {found[0]}"
