-- Fixed window: a counter for each window of the clock.
-- KEYS  1 a subject   ARGV  1 now ms  2 limit  3 window ms  4 a word that no other call has
-- Gives 1 admitted, 0 refused.
local key = KEYS[1] .. ':' .. math.floor(ARGV[1] / ARGV[3])
if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[2]) then return 0 end
if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, ARGV[3]) end
return 1
