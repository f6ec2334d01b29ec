-- gate: who is this, may they call now, use this feature: all or nothing.
-- KEYS  1 gh:{u}   2 gh:{u}:rl
-- ARGV  1 epoch  2 ticket if cold  3 token hash or ''  4 '1': peek  5-7 idle ms of web, remember, mobile
--       8 authenticated within ms or ''  9 '1': verified email only  10 one '0'/'1' a plan: may it call
--       then the plans, default first; how many policies; each: field, W ms, B, cost, units besides, a limit
--       a plan ('' never denies); then hold id or ''; with one: metric, n, lease ms, a limit a plan ('' unlimited);
--       clock()'s span
-- Gives {'CLOCK', now} | {'COLD', now, ticket} | {'ABSENT', now} | {'ROTATED', now} |
--       {decision, now, id, ext, mail, plan, status, session, touched, quota, then a policy: passes, window}
-- Checks, then writes; denials write nothing.
local key, rl, epoch, token, peek, now, odd = KEYS[1], KEYS[2], ARGV[1], ARGV[3], ARGV[4] == '1', clock()
if odd then return odd end
local function number(at) return tonumber(ARGV[at]) end
local plans, at = #ARGV[10], 11 + #ARGV[10]
local n, width = number(at), 5 + plans
local r = at + 1 + n * width
local hold, metric = ARGV[r], ARGV[r + 1] or ''
local f = user_load(key, token, metric, hold)
local function cold() return user_cold(key, f, epoch, ARGV[2], now) end
if not user_is_warm(key, f, epoch, now) then return cold() end

local s
if token ~= '' then
  if not f.session then return {'ABSENT', now} end
  s = session_read(f.session, {web = ARGV[5], remember = ARGV[6], mobile = ARGV[7]}, now)
  if not s then return cold() end
  if s.dead then return {'ABSENT', now} end
  if s.prev then return {'ROTATED', now} end
end

local answer = {'', now, f.id, f.ext or '', f.mail, f.plan, f.status, s and f.session or '', 0, f.quota or ''}
local function say(decision)
  answer[1] = decision
  return answer
end
local p = 1
for i = 1, plans do if ARGV[10 + i] == f.plan then p = i end end
if f.status ~= 'active' then return say('suspended') end
if s and ARGV[8] ~= '' and now - s.auth > number(8) then return say('reauthentication_required') end
if ARGV[9] == '1' and f.mail ~= '1' then return say('email_unverified') end
if string.sub(ARGV[10], p, p) ~= '1' then return say('plan_required') end

local c, fields, full, over = {}, {}, false, false
for i = 1, n do
  local a = at + 1 + (i - 1) * width
  fields[i] = ARGV[a]
  c[i] = {W = number(a + 1), B = number(a + 2), cost = number(a + 3), more = number(a + 4), limit = number(a + 4 + p)}
end
local raw = window_load(rl, fields)
for i = 1, n do
  local v, verdict = c[i]
  v.window, verdict = window_decide(raw[i], now, v.W, v.B, v.limit, v.cost, v.more)
  full, over = full or verdict == 0, over or verdict == 2
  answer[9 + 2 * i], answer[10 + 2 * i] = verdict, raw[i] or ''
end
if over then return say('cost_exceeds_limit') end
if hold ~= '' and f.held then return say('allow') end

local q, limit, units
if hold ~= '' then
  q = f.quota and quota_read(f.quota)
  if not q then return cold() end
  limit, units = number(r + 3 + p), number(r + 2)
  if q.own ~= '' then limit = tonumber(q.own) end
  if limit and q.lease and now >= q.lease then return cold() end
end
if full then return say('rate_limited') end
if limit and q.used + q.held + units > limit + q.bonus then return say('allowance_exhausted') end
if peek then return say('allow') end

local costs = ''
for i = 1, n do
  local packed, cell = window_take(c[i].window, c[i].cost)
  window_write(rl, fields[i], packed, c[i].W, c[i].B)
  answer[10 + 2 * i] = packed
  costs = costs .. string.format('%s:%.0f:%.0f,', fields[i], cell, c[i].cost)
end
if limit then
  local ends = now + number(r + 3)
  q.held, q.lease = q.held + units, math.min(q.lease or ends, ends)
  answer[10] = quota_write(q)
  redis.call('HSET', key, 'q:' .. metric, answer[10], 'h:' .. hold, string.format('%s|%.0f|%.0f|%s', metric, units, ends, costs))
end
if s and s.stale then
  answer[8], answer[9] = string.format('%s%.0f|%.0f', s.head, now, s.abs), 1
  redis.call('HSET', key, 's:' .. token, answer[8])
  redis.call('PEXPIRE', key, HASH_MS)
end
return say('allow')
