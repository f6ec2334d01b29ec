-- limit_give_back: gives back what limit_check has taken, for a call that the service refused by itself. Its caller sends it once.
-- KEYS  1 the key of that check
-- ARGV  1 the field  2 its cell  3 the units, and so for each policy; at last the span of clock()
-- Gives {'CLOCK', now} | {now, then per policy the window after the call}; a cell that does not hold the units stays as it is.
local now, odd = clock()
if odd then return odd end
local fields, answer = {}, {now}
for at = 1, #ARGV - 2, 3 do fields[#fields + 1] = ARGV[at] end
local raw = window_load(KEYS[1], fields)
for i = 1, #fields do
  local less = raw[i] and window_refund(raw[i], tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]))
  if less then redis.call('HSET', KEYS[1], fields[i], less) end
  answer[i + 1] = less or raw[i] or ''
end
return answer
