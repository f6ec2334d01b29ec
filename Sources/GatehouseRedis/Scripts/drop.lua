-- drop: takes users' hashes away and counts that, so that data in which it did not happen is known by its counter.
-- KEYS  1 gh:{counter}  then the users' hashes
-- ARGV  1 term  2 lineage  3 this process  4 the number of this drop of it  5 the newest of its drops that was answered, or 0
--       6 the process and 7 the number of the newest drop that the ledger relies on, or 0  8 a sequence of the ledger that is known
-- Gives {'COUNTED', the counter, the greatest sequence told before} | {'BROKEN'} | {'BEHIND', a greater term}
-- The hash of the counter: term, lineage, n, seq, own (the newest drop of each process, the latest first: name:number,...).
-- include errors
local key, term, process, mine, settled = KEYS[1], tonumber(ARGV[1]), ARGV[3], tonumber(ARGV[5]), tonumber(ARGV[7])
for i = 2, #KEYS, 1000 do redis.call('DEL', unpack(KEYS, i, math.min(i + 999, #KEYS))) end
-- A full Redis refuses what takes memory only before the first write of a script; this is one.
redis.call('PEXPIRE', key, COUNTER_MS)

local f = redis.pcall('HMGET', key, 'term', 'lineage', 'n', 'seq', 'own')
if is_foreign(f) then
  redis.call('DEL', key)
  f = {}
end
local stored, n, seq, own = tonumber(f[1] or ''), tonumber(f[3] or ''), tonumber(f[4] or ''), f[5] or ''
if stored and stored > term then return {'BEHIND', stored} end

if stored == term and f[2] == ARGV[2] and n and seq then
  local function lacks(name, number)
    return number > 0 and (tonumber(string.match(',' .. own, ',' .. name .. ':(%d+)') or '') or 0) < number
  end
  if lacks(process, mine) or lacks(ARGV[6], settled) then return {'BROKEN'} end
else
  -- The first look of this term. Where there has been one, this is not the data that it was at.
  if mine > 0 or settled > 0 then return {'BROKEN'} end
  n, seq, own = 0, 0, ''
end

local last = tonumber(string.match(',' .. own, ',' .. process .. ':(%d+)') or '') or 0
local names, count = string.format('%s:%.0f', process, math.max(last, tonumber(ARGV[4]))), 1
for name, at in string.gmatch(own, '(%w+):(%d+)') do
  if name ~= process and count < 64 then
    names, count = names .. ',' .. name .. ':' .. at, count + 1
  end
end
local told = math.max(seq, tonumber(ARGV[8]))
redis.call('HSET', key, 'term', ARGV[1], 'lineage', ARGV[2], 'n', string.format('%.0f', n + 1), 'seq', string.format('%.0f', told), 'own', names)
redis.call('PEXPIRE', key, COUNTER_MS)
return {'COUNTED', n + 1, seq}
