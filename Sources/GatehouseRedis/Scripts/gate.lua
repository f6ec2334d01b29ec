-- gate: who is this, may they call now, may they use this feature: one call, all or nothing.
-- KEYS  1 gh:{u}   2 gh:{u}:rl
-- ARGV  1 epoch  2 a ticket to use if cold  3 token hash or ''  4 '1' to peek  5-7 idle ms of web, remember, mobile
--       8 authenticated within ms or ''  9 '1' if the email must be verified  10 one '0'/'1' a plan: may it call
--       then the plans' names (the default first); the number of policies; per policy: field, W ms, B, cost, a limit
--       for each plan ('' never denies); at last hold id or ''; with one: metric, n, lease ms, a limit a plan ('' unlimited)
-- Gives {'COLD', now, ticket} | {'ABSENT', now} | {'ROTATED', now} |
--       {decision, now, id, ext, mail, plan, status, session, touched, quota, then per policy: passes, window}
-- Checks first, writes last; a denial writes nothing. The clock is Redis TIME.
local key, rl = KEYS[1], KEYS[2]
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local epoch, token, peek = ARGV[1], ARGV[3], ARGV[4] == '1'
local plans = #ARGV[10]
local at = 11 + plans
local n = tonumber(ARGV[at])
local r = at + 1 + n * (4 + plans)
local hold, metric = ARGV[r], ARGV[r + 1] or ''
local f = redis.pcall('HMGET', key, 'id', 'ext', 'mail', 'plan', 'status', 'epoch', 'until', 'ticket',
  's:' .. token, 'q:' .. metric, 'h:' .. hold)
if f.err then f = {} end

local function cold()
  local ticket = f[8]
  if not ticket or f[6] ~= epoch then
    ticket = ARGV[2]
    redis.call('DEL', key)
    redis.call('HSET', key, 'ticket', ticket, 'epoch', epoch)
    redis.call('PEXPIRE', key, 10000)
  end
  return {'COLD', now, ticket}
end
if not f[1] or f[6] ~= epoch or now >= tonumber(f[7]) then return cold() end

local session, seen, head, tail, auth = '', nil, nil, nil, now
if token ~= '' then
  session = f[9]
  if not session then return {'ABSENT', now} end
  local class, abs, rest
  head, class, auth, seen, abs, rest = string.match(session, '^((%a+)|[^|]*|%d+|(%d+)|)(%d+)|(%d+)(.*)$')
  local idle = tonumber(ARGV[class == 'web' and 5 or class == 'remember' and 6 or 7])
  local tau = math.min(idle / 10, 300000)
  if now >= tonumber(abs) or now > seen + idle + 2 * tau then return {'ABSENT', now} end
  if string.sub(rest, -5) == '|prev' then return {'ROTATED', now} end
  if now - seen > tau and not peek then tail = '|' .. abs .. rest end
end

local answer = {'', now, f[1], f[2] or '', f[3], f[4], f[5], session, 0, f[10] or ''}
local function say(decision)
  answer[1] = decision
  return answer
end
local p = 1
for i = 1, plans do if ARGV[10 + i] == f[4] then p = i end end
if f[5] ~= 'active' then return say('suspended') end
if ARGV[8] ~= '' and now - auth > tonumber(ARGV[8]) then return say('reauthentication_required') end
if ARGV[9] == '1' and f[3] ~= '1' then return say('email_unverified') end
if string.sub(ARGV[10], p, p) ~= '1' then return say('plan_required') end

local w, full, over = {}, false, false
if n > 0 then
  local names = {}
  for i = 1, n do names[i] = ARGV[at + 1 + (i - 1) * (4 + plans)] end
  local raw = redis.pcall('HMGET', rl, unpack(names))
  if raw.err then
    redis.call('DEL', rl)
    raw = {}
  end
  for i = 1, n do
    local a = at + 1 + (i - 1) * (4 + plans)
    local verdict
    w[i], verdict = window_decide(raw[i], now, tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3 + p]), tonumber(ARGV[a + 3]))
    full = full or verdict == 0
    over = over or verdict == 2
    answer[9 + 2 * i], answer[10 + 2 * i] = verdict, raw[i] or ''
  end
end
if over then return say('cost_exceeds_limit') end
if hold ~= '' and f[11] then return say('allow') end

local start, stop, used, held, lease, own, bonus
local limit, units, ends
if hold ~= '' then
  if not f[10] then
    f[6] = ''
    return cold()
  end
  start, stop, used, held, lease, own, bonus = string.match(f[10], '^(%d+)|(%d+)|(%d+)|(%d+)|(%d*)|([%d*]*)|(%d+)$')
  limit, units = ARGV[r + 3 + p], tonumber(ARGV[r + 2])
  if own == '*' then limit = '' elseif own ~= '' then limit = own end
  if limit ~= '' and lease ~= '' and now >= tonumber(lease) then
    f[6] = ''
    return cold()
  end
end
if full then return say('rate_limited') end
if hold ~= '' and limit ~= '' and used + held + units > limit + bonus then return say('allowance_exhausted') end
if peek then return say('allow') end

local costs = ''
for i = 1, n do
  local a = at + 1 + (i - 1) * (4 + plans)
  local packed, cell = window_take(w[i], tonumber(ARGV[a + 3]))
  window_write(rl, ARGV[a], packed, tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]))
  answer[10 + 2 * i] = packed
  costs = costs .. ARGV[a] .. ':' .. string.format('%.0f', cell) .. ':' .. ARGV[a + 3] .. ','
end
if hold ~= '' and limit ~= '' then
  ends = string.format('%.0f', now + math.min(tonumber(ARGV[r + 3]), 60000))
  if lease == '' or tonumber(ends) < tonumber(lease) then lease = ends end
  answer[10] = table.concat({start, stop, used, string.format('%.0f', held + units), lease, own, bonus}, '|')
  redis.call('HSET', key, 'q:' .. metric, answer[10], 'h:' .. hold, metric .. '|' .. ARGV[r + 2] .. '|' .. ends .. '|' .. costs)
end
if tail then
  answer[8] = head .. string.format('%.0f', now) .. tail
  answer[9] = 1
  redis.call('HSET', key, 's:' .. token, answer[8])
  redis.call('PEXPIRE', key, 86400000)
end
return say('allow')
