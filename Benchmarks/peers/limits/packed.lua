-- The packed window, by the parts of our scripts that stand in place of the lines that name them, with a clock that is told.
-- KEYS  1 a subject   ARGV  1 now ms  2 limit  3 window ms  4 cells
-- Gives 1 admitted, 0 refused.
local unpack, rl, now, limit, W, B = struct.unpack, KEYS[1], ARGV[1] + 0, ARGV[2], ARGV[3] + 0, ARGV[4] + 0
local cost, more, ttl, begun, new, old = 1, 0, 0, false, nil, redis.pcall('HGET', rl, 'api')
-- include window
if verdict ~= 1 then return 0 end
local left = redis.call('PTTL', rl)
redis.call('HSET', rl, 'api', new)
-- include expire
return 1
