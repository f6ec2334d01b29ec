-- give_back: gives back what a reservation that came to nothing had taken: its hold and its rate units. Guarded by the hold
-- itself, so a repeat, a late arrival or a rebuilt user changes nothing.
-- KEYS  1 gh:{u}   2 gh:{u}:rl
-- ARGV  1 hold id
-- Gives 1 if given back, 0 if there was nothing to give.
local field = 'h:' .. ARGV[1]
local raw = redis.pcall('HGET', KEYS[1], field)
if is_foreign(raw) or not raw then return 0 end
redis.call('HDEL', KEYS[1], field)
-- A hold is metric|n|ends|field:cell:cost,...
local metric, n, costs = string.match(raw, '^([^|]*)|(%d+)|%d+|(.*)$')
if not metric then return 0 end
local stored = redis.call('HGET', KEYS[1], 'q:' .. metric)
local q = stored and quota_read(stored)
if q then
  q.held = math.max(0, q.held - n)
  redis.call('HSET', KEYS[1], 'q:' .. metric, quota_write(q))
end
for name, cell, cost in string.gmatch(costs, '([^:,]+):(%d+):(%d+),') do
  local packed = window_load(KEYS[2], {name})[1]
  local less = packed and window_refund(packed, tonumber(cell), tonumber(cost))
  if less then redis.call('HSET', KEYS[2], name, less) end
end
return 1
