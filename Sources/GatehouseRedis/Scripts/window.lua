-- One policy's window, a part of the scripts that count. Reads old (the stored form or false), now, W, B, cost, limit ('' never denies) and
-- more (units that count though they are not stored); rl is the key. Sets verdict (1 passes, 0 full, 2 cost exceeds limit), and if it
-- passes new (the stored form with the cost), cell (where it went), begun if that is a new one, and ttl (what the key must live then).
--
-- The packed window is one hash field: total, then (cell, count) pairs, oldest first, all unsigned 32-bit little-endian;
-- cell = floor(now * B / W) modulo 2^32, compared by signed difference. A cell counts in full until all of it is older than the window: at
-- most L units in any interval of length W. A key of another type is deleted: it counts nothing. Any other error is the answer.
local cell, verdict = now * B / W, 1
cell = (cell - cell % 1) % 4294967296
-- The live part: its total, its bytes from..to, its last pair.
local total, from, to, last, count, first, units = 0, 1, 0
if old and #old >= 12 and #old % 8 == 4 then
  from, to = 5, #old
  total, first = unpack('<I4I4', old)
  last, count = unpack('<I4I4', old, to - 7)
  local ahead = (last - cell + 2147483648) % 4294967296 - 2147483648
  if ahead > 0 then
    -- More than a window ahead is a clock that was wrong.
    while ahead > B do
      total, to, last = total - count, to - 8, nil
      if to < from then break end
      last, count = unpack('<I4I4', old, to - 7)
      ahead = (last - cell + 2147483648) % 4294967296 - 2147483648
    end
    if last and ahead > 0 then cell = last end
  end
  while from < to and (cell - first + 2147483648) % 4294967296 - 2147483648 > B do
    first, units = unpack('<I4I4', old, from)
    if (cell - first + 2147483648) % 4294967296 - 2147483648 > B then total, from = total - units, from + 8 end
  end
  if total < 0 or from > to then total, from, to, last = 0, 1, 0, nil end
elseif old and old.err then
  if not string.find(old.err, '^WRONGTYPE') then return old end
  redis.call('DEL', rl)
  old = false
end
if limit ~= '' then
  limit = limit + 0
  if cost > limit then verdict = 2 elseif total + more + cost > limit then verdict = 0 end
elseif total + cost > 4294967295 then
  -- A shadow policy's total ends at 2^32 - 1.
  cost = 4294967295 - total
end
if verdict == 1 then
  if last == cell then
    to = to - 8
  else
    count, begun = 0, true
  end
  first = W + W / B
  if first > ttl then ttl = first end
  new = struct.pack('<I4', total + cost) .. string.sub(old or '', from, to) .. struct.pack('<I4I4', cell, count + cost)
end
