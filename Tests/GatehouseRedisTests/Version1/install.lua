-- install: writes a user's hash from a snapshot of the ledger, if the ticket under which it was read still stands.
-- KEYS  1 gh:{u}
-- ARGV  1 epoch  2 ticket  3 time to live ms  then the fields and their values
-- Gives 1 if written, 0 if another change came first (the reader must look again).
local f = redis.pcall('HMGET', KEYS[1], 'ticket', 'epoch')
if is_foreign(f) or f[1] ~= ARGV[2] or f[2] ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
-- In pieces, since Lua spreads no more than some thousand values at once.
for i = 4, #ARGV, 1000 do redis.call('HSET', KEYS[1], unpack(ARGV, i, math.min(i + 999, #ARGV))) end
expire(KEYS[1], ARGV[3])
return 1
