-- reference: the least that an app writes itself for a session and one limit, in one call: two weighted cells.
-- KEYS  1 a user's hash   2 the cells of the user
-- ARGV  1 token hash   2 limit   3 window ms   4 idle ms
-- Gives {1 allowed, 0 full or -1 no session, units left, ms to the next cell, user, plan}
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local user = redis.call('HMGET', KEYS[1], 'id', 'plan', 'status', 's:' .. ARGV[1])
if not user[4] or user[3] ~= 'active' then return {-1} end
local seen, ends = string.match(user[4], '|(%d+)|(%d+)$')
if not seen or now >= tonumber(ends) or now > seen + ARGV[4] then return {-1} end
local limit, W = tonumber(ARGV[2]), tonumber(ARGV[3])
local cell, part = math.floor(now / W), now % W
local counts = redis.call('HMGET', KEYS[2], cell, cell - 1)
local used = (tonumber(counts[1]) or 0) + (tonumber(counts[2]) or 0) * (1 - part / W)
if used + 1 > limit then return {0, 0, W - part, user[1], user[2]} end
if redis.call('HINCRBY', KEYS[2], cell, 1) == 1 then redis.call('PEXPIRE', KEYS[2], 2 * W) end
return {1, math.floor(limit - used - 1), W - part, user[1], user[2]}
