-- gate: who is this, may they call now, use this feature: all or nothing. Checks, then writes; denials write nothing.
-- KEYS  1 gh:{u}   2 gh:{u}:rl
-- ARGV  1 the account's field, v2:<epoch>:<u>   2 the session's field, '' for a call without one   3 the caller's time
--       4 ms since a session was seen within which it needs no closer look   5 idle ms: web|remember|mobile   6 ticket if cold
--       then per policy: field, W ms, B, cost, limits by plan; then, for a hold: id, metric, n, lease ms, limits by plan;
--       at last, only if the call is out of the ordinary, how, each with a blank before and behind it: `peek`, `hold`, `verified`,
--       `authenticated=<ms>`, `plans=<1 or 0 by plan>`, `besides=<units of each policy, with commas>`
--       By plan is |<plan>:<number>|..., the first of them for every other plan, without a number where there is no limit.
-- Gives {'CLOCK', now} | {'COLD', now, ticket} | {'ABSENT', now} | {'ROTATED', now} | one text:
--       decision, seconds, microseconds, 1 if touched, and the windows' lengths if there are several, with blanks between;
--       then three lines: session, quota, account; then the windows, as they are after the call.
-- Lua hashes every byte of every string that it makes, and makes each function anew at every call: a plain call makes few of either.
local key, rl, token, match, unpack = KEYS[1], KEYS[2], ARGV[2], string.match, struct.unpack
local t = redis.call('TIME')
local us = t[2] + 0
local now = t[1] * 1000 + (us - us % 1000) / 1000
local off = now - ARGV[3]
if off > SPAN_MS or off < -SPAN_MS then return {'CLOCK', now} end

local f = redis.pcall('HMGET', key, ARGV[1], token)
local account, session, till, plan, seen, abs = f[1], f[2]
if account then till, plan = match(account, '^(%d+)|([%w_]*)|active|[01]|') end
if session then seen, abs = match(session, '^[mrw][eo][bm]%l*|ses_%w+|%d+|%d+|(%d+)|(%d+)$') end
local n, decision, touch, peek, hold, besides, cold, quota, held = (#ARGV - 6) / 5
if n % 1 ~= 0 or not till or now >= till + 0 or token ~= '' and (not seen or now >= abs + 0 or now - seen > ARGV[4] + 0) then
  -- include closer_look
end

local over, full, ttl, costs, new, old, news, olds, begun = false, false, 0, ''
if n > 1 then news, olds = {}, {} end
for i = 1, decision and 0 or n do
  local at = 2 + 5 * i
  local W, B, cost, limits = ARGV[at + 1] + 0, ARGV[at + 2] + 0, ARGV[at + 3] + 0, ARGV[at + 4]
  local limit, more = match(limits, '|' .. plan .. ':(%d*)') or match(limits, ':(%d*)'), besides and besides[i] or 0
  old = redis.pcall('HGET', rl, ARGV[at])
  -- include window
  if verdict == 0 then full = true elseif verdict == 2 then over = true end
  if news then news[i], olds[i] = new, old or '' end
  if hold then costs = costs .. string.format('%s:%.0f:%.0f,', ARGV[at], cell, cost) end
end

local after
if over then decision = 'cost_exceeds_limit' end
if hold and not decision then
  -- include hold
end
if full and not decision then decision = 'rate_limited' end
if not decision and not peek then
  local left = ttl > 0 and redis.call('PTTL', rl)
  if news then
    for i = 1, n do redis.call('HSET', rl, ARGV[2 + 5 * i], news[i]) end
    olds = news
  elseif new then
    redis.call('HSET', rl, ARGV[7], new)
    old = new
  end
  -- include expire
  if after then
    redis.call('HSET', key, 'q:' .. hold.metric, after, 'h:' .. hold.id, hold.value .. costs)
    quota = after
  end
  if touch then
    session = touch
    redis.call('HSET', key, token, session)
    -- All is done by now, and the key has an end already: a refusal changes nothing.
    redis.pcall('PEXPIRE', key, HASH_MS)
  end
else
  touch = nil
end
local tail = touch and ' 1' or ' 0'
if olds and #olds > 0 then
  for i = 1, n do tail = tail .. ' ' .. #olds[i] end
  old = table.concat(olds)
end
return (decision or 'allow') .. ' ' .. t[1] .. ' ' .. t[2] .. tail .. '\n' .. (session or '') .. '\n' .. (quota or '') .. '\n' .. account
  .. '\n' .. (old or '')
