-- The packed window, a prelude of the scripts that touch one. One hash field: total, then (cell, count) pairs, oldest first,
-- all unsigned 32-bit little-endian; cell = floor(now * B / W) modulo 2^32, compared by signed difference. A cell counts in
-- full until all of it is older than the window: at most L units in any interval of length W.

-- Redis's time in ms. The last two arguments of a call are the span that its caller takes for the time: outside of it the second value
-- is the script's answer. A clock that has jumped must not decide, nor write what outlasts the jump.
local function clock()
  local t = redis.call('TIME')
  local now = t[1] * 1000 + math.floor(t[2] / 1000)
  if now < tonumber(ARGV[#ARGV - 1]) or now > tonumber(ARGV[#ARGV]) then return now, {'CLOCK', now} end
  return now
end

local function window_ahead(a, b)
  local d = (a - b) % 4294967296
  if d >= 2147483648 then d = d - 4294967296 end
  return d
end

-- The live part of a stored window at `now`: {total, from, to, cell}, with from..to the bytes of its pairs in raw.
local function window_read(raw, now, W, B)
  local cell = math.floor(now * B / W) % 4294967296
  if not raw or #raw < 12 or #raw % 8 ~= 4 then return {total = 0, raw = '', from = 1, to = 0, cell = cell} end
  local total, from, to = struct.unpack('<I4', raw), 5, #raw
  while to > from do
    local last, count = struct.unpack('<I4I4', raw, to - 7)
    local ahead = window_ahead(last, cell)
    if ahead > B then
      total, to = total - count, to - 8
    else
      if ahead > 0 then cell = last end
      break
    end
  end
  while from < to do
    local first, count = struct.unpack('<I4I4', raw, from)
    if window_ahead(cell, first) <= B then break end
    total, from = total - count, from + 8
  end
  if total < 0 or from > to then total, from, to = 0, 1, 0 end
  return {total = total, raw = raw, from = from, to = to, cell = cell}
end

-- Phase one, writes nothing. limit nil never denies; `besides` are units that count though they are not stored. Gives the live window
-- and 1 passes, 0 full, 2 cost exceeds limit.
local function window_decide(raw, now, W, B, limit, cost, besides)
  local w = window_read(raw, now, W, B)
  if limit and cost > limit then return w, 2 end
  if limit and w.total + besides + cost > limit then return w, 0 end
  return w, 1
end

-- Phase two: the stored form with `cost` units more (a shadow policy's total ends at 2^32 - 1), and the cell that they went into.
local function window_take(w, cost)
  cost = math.min(cost, 4294967295 - w.total)
  local last, count
  if w.to > w.from then last, count = struct.unpack('<I4I4', w.raw, w.to - 7) end
  local to = w.to
  if last == w.cell then to = to - 8 else count = 0 end
  return struct.pack('<I4', w.total + cost) .. string.sub(w.raw, w.from, to) .. struct.pack('<I4I4', w.cell, count + cost), w.cell
end

-- The stored windows of some fields, false for one that is not there. A key of another type is deleted: it counts nothing.
local function window_load(key, fields)
  if #fields == 0 then return {} end
  local raw = redis.pcall('HMGET', key, unpack(fields))
  if not is_foreign(raw) then return raw end
  redis.call('DEL', key)
  return {}
end

-- Stores a window; its key lives as long as any of its windows can count.
local function window_write(key, field, packed, W, B)
  local ttl, left = math.ceil(W + W / B), redis.call('PTTL', key)
  redis.call('HSET', key, field, packed)
  if left < ttl then expire(key, string.format('%.0f', ttl)) end
end

-- The stored form with `cost` units less in `cell`; nil if the cell does not hold them.
local function window_refund(packed, cell, cost)
  for at = 5, #packed - 7, 8 do
    local number, count = struct.unpack('<I4I4', packed, at)
    if number == cell and count >= cost and struct.unpack('<I4', packed) >= cost then
      local pair = count > cost and struct.pack('<I4I4', cell, count - cost) or ''
      return struct.pack('<I4', struct.unpack('<I4', packed) - cost) .. string.sub(packed, 5, at - 1) .. pair .. string.sub(packed, at + 8)
    end
  end
end
