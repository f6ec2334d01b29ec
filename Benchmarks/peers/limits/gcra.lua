-- GCRA: the instant at which the bucket would be empty; a burst of the whole limit is allowed.
-- KEYS  1 a subject   ARGV  1 now ms  2 limit  3 window ms  4 a word that no other call has
-- Gives 1 admitted, 0 refused.
local now, W = tonumber(ARGV[1]), tonumber(ARGV[3])
local step = W / ARGV[2]
local empty = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + step
if empty - W > now then return 0 end
redis.call('SET', KEYS[1], string.format('%.3f', empty), 'PX', W)
return 1
