// The tests of the protocol between Redis and the ledger.
