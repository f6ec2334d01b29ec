-- limit_give_back: gives back what limit_check has taken, for a call that the service refused by itself. Its caller sends it once.
-- KEYS  1 the key of that check
-- ARGV  1 the field  2 its cell  3 the units, and so for each policy
--       at last the span of time in which the caller believes the clock: outside of it nothing is written
-- Gives {'CLOCK', now} | {now, then per policy the window after the call}; a cell that does not hold the units stays as it is.
-- include errors
-- include refund
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if now < ARGV[#ARGV - 1] + 0 or now > ARGV[#ARGV] + 0 then return {'CLOCK', now} end
local answer = {now}
for at = 1, #ARGV - 2, 3 do
  local raw = redis.pcall('HGET', KEYS[1], ARGV[at])
  if is_foreign(raw) then
    redis.call('DEL', KEYS[1])
    raw = false
  end
  local less = raw and refund(raw, ARGV[at + 1] + 0, ARGV[at + 2] + 0)
  if less then redis.call('HSET', KEYS[1], ARGV[at], less) end
  answer[#answer + 1] = less or raw or ''
end
return answer
