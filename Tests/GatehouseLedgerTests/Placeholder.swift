// GatehouseLedger
