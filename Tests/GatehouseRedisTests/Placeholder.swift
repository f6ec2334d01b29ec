// GatehouseRedis
