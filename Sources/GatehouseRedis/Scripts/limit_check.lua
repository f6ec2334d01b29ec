-- limit_check: counts one attempt of an address or another subject under some policies: all or nothing. A denial writes nothing.
-- KEYS  1 gh:{ip:...}:rl, gh:{sub:...}:rl or gh:{own:...}:rl
-- ARGV  1 '1' to peek  then per policy: field, W ms, B, limit ('' never denies), cost, units besides; at last the span of clock()
-- Gives {'CLOCK', now} | {now, then per policy: verdict (1 passes, 0 full, 2 cost exceeds limit), the window after the call}.
local now, odd = clock()
if odd then return odd end
local fields, windows, all = {}, {}, ARGV[1] ~= '1'
for at = 2, #ARGV - 2, 6 do fields[#fields + 1] = ARGV[at] end
local raw, answer = window_load(KEYS[1], fields), {now}
for i = 1, #fields do
  local at, verdict = 6 * i - 4, nil
  windows[i], verdict = window_decide(
    raw[i], now, tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]),
    tonumber(ARGV[at + 5]))
  answer[2 * i], answer[2 * i + 1] = verdict, raw[i] or ''
  all = all and verdict == 1
end
if not all then return answer end
for i = 1, #fields do
  local at = 6 * i - 4
  local packed = window_take(windows[i], tonumber(ARGV[at + 4]))
  window_write(KEYS[1], fields[i], packed, tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]))
  answer[2 * i + 1] = packed
end
return answer
