// The domain's demands on its durable store stand in protocols beside the values that they are about: `AccountLedger`, `MailLedger`,
// `SessionLedger`, `WorkLedger`, `EventLedger`, `KeyLedger`, `HotLedger`, `ClockLedger`, `GateLedger`, `ExportLedger`; a
// store is a `Ledger`.
//
// Every method is one transaction; `now` is milliseconds since 1970 UTC, given by the caller. Writes return after a COMMIT that is
// durable. All throw `ServiceError`: `overloaded` (nothing happened), `unavailable` (nothing happened), `outcomeUnknown`. A method whose
// result is `Unacknowledged` wrote a pending row for each user named in it.

/// The whole durable store.
public typealias Ledger = AccountLedger & MailLedger & SessionLedger & WorkLedger & EventLedger & KeyLedger & HotLedger & ClockLedger
  & GateLedger & ExportLedger
