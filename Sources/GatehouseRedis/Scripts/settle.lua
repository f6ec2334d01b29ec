-- settle: gives back what a reservation that came to nothing had taken: its hold and its rate units. Guarded by the hold
-- itself, so a repeat, a late arrival or a rebuilt user changes nothing.
-- KEYS  1 gh:{u}   2 gh:{u}:rl
-- ARGV  1 hold id
-- Gives 1 if given back, 0 if there was nothing to give.
local field = 'h:' .. ARGV[1]
local raw = redis.pcall('HGET', KEYS[1], field)
if not raw or raw.err then return 0 end
local metric, n, costs = string.match(raw, '^([^|]*)|(%d+)|%d+|(.*)$')
redis.call('HDEL', KEYS[1], field)
local q = redis.call('HGET', KEYS[1], 'q:' .. metric)
if q then
  local head, held, rest = string.match(q, '^(%d+|%d+|%d+|)(%d+)(|.*)$')
  redis.call('HSET', KEYS[1], 'q:' .. metric, head .. string.format('%.0f', math.max(0, held - n)) .. rest)
end
for name, cell, cost in string.gmatch(costs, '([^:,]+):(%d+):(%d+),') do
  local packed = redis.pcall('HGET', KEYS[2], name)
  local less = packed and not packed.err and window_refund(packed, tonumber(cell), tonumber(cost))
  if less then redis.call('HSET', KEYS[2], name, less) end
end
return 1
