-- Two weighted cells: the last window of the clock counts by the part of it that a sliding window would still cover.
-- KEYS  1 a subject   ARGV  1 now ms  2 limit  3 window ms  4 a word that no other call has
-- Gives 1 admitted, 0 refused.
local W = tonumber(ARGV[3])
local cell, part = math.floor(ARGV[1] / W), ARGV[1] % W / W
local now, before = KEYS[1] .. ':' .. cell, KEYS[1] .. ':' .. cell - 1
local used = tonumber(redis.call('GET', now) or '0') + tonumber(redis.call('GET', before) or '0') * (1 - part)
if used + 1 > tonumber(ARGV[2]) then return 0 end
if redis.call('INCR', now) == 1 then redis.call('PEXPIRE', now, 2 * W) end
return 1
