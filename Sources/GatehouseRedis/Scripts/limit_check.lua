-- limit_check: counts one attempt of an address or another subject under one policy. A denial writes nothing.
-- KEYS  1 gh:{ip:...}:rl or gh:{sub:...}:rl
-- ARGV  1 '1' to peek  2 field  3 W ms  4 B  5 limit ('' never denies)  6 cost
-- Gives {1 or 0 allowed, now, verdict (1 passes, 0 full, 2 cost exceeds limit), the window after the call}.
local now, W, B, cost = clock(), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[6])
local raw = window_load(KEYS[1], {ARGV[2]})[1]
local w, verdict = window_decide(raw, now, W, B, tonumber(ARGV[5]), cost)
if verdict ~= 1 or ARGV[1] == '1' then return {verdict == 1 and 1 or 0, now, verdict, raw or ''} end
local packed = window_take(w, cost)
window_write(KEYS[1], ARGV[2], packed, W, B)
return {1, now, 1, packed}
