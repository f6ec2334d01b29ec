-- limit_check: counts one attempt of an address or another subject under some policies: all or nothing. A denial writes nothing.
-- KEYS  1 gh:{ip:...}:rl, gh:{sub:...}:rl or gh:{own:...}:rl
-- ARGV  1 '1' to peek  then per policy: field, W ms, B, limit ('' never denies), cost, units besides
--       at last the span of time in which the caller believes the clock: outside of it nothing is decided or written
-- Gives {'CLOCK', now} | {now, then per policy: verdict (1 passes, 0 full, 2 cost exceeds limit), the window after the call}.
local rl, t, unpack = KEYS[1], redis.call('TIME'), struct.unpack
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if now < ARGV[#ARGV - 1] + 0 or now > ARGV[#ARGV] + 0 then return {'CLOCK', now} end
local answer, news, all, ttl, begun = {now}, {}, ARGV[1] ~= '1', 0
for i = 1, (#ARGV - 3) / 6 do
  local at, new = 6 * i - 4, nil
  local W, B, limit, cost, more = ARGV[at + 1] + 0, ARGV[at + 2] + 0, ARGV[at + 3], ARGV[at + 4] + 0, ARGV[at + 5] + 0
  local old = redis.pcall('HGET', rl, ARGV[at])
  -- include window
  answer[2 * i], answer[2 * i + 1], news[i], all = verdict, old or '', new, all and verdict == 1
end
if not all then return answer end
local left = ttl > 0 and redis.call('PTTL', rl)
for i = 1, #news do
  redis.call('HSET', rl, ARGV[6 * i - 4], news[i])
  answer[2 * i + 1] = news[i]
end
-- include expire
return answer
