-- The content of a user's hash, a prelude of the scripts that read one. Each function gives nil for a value that is none of ours, be it
-- foreign or damaged: the hash then counts as cold and is made anew from the ledger.

-- The fields that a call is about, those of its session, metric and hold as session, quota and held. A key of another type has none.
local function user_load(key, token, metric, hold)
  local names = {'id', 'ext', 'mail', 'plan', 'status', 'epoch', 'until', 'ticket', 's:' .. token, 'q:' .. metric, 'h:' .. hold}
  local found, f = redis.pcall('HMGET', key, unpack(names)), {}
  if is_foreign(found) then return f end
  for i = 1, 8 do f[names[i]] = found[i] end
  f.session, f.quota, f.held = found[9], found[10], found[11]
  return f
end

-- class|sid|created|auth|seen|abs[|prev], `prev` for a successor that has not been used; idle is a table by class. Gives
-- {head, auth, seen, abs, and what it is: dead, prev or stale (seen must be moved)}; head is what comes before seen.
local function session_read(value, idle, now)
  local head, class, auth, seen, abs, rest = string.match(value, '^((%l+)|[^|]+|%d+|(%d+)|)(%d+)|(%d+)(.*)$')
  if not idle[class or ''] or rest ~= '' and rest ~= '|prev' then return nil end
  local s = {head = head, auth = tonumber(auth), seen = tonumber(seen), abs = tonumber(abs), prev = rest == '|prev'}
  local tau = math.min(math.floor(idle[class] / 10), TOUCH_MS)
  s.dead = now >= s.abs or now > s.seen + idle[class] + 2 * tau
  s.stale = now - s.seen > tau
  return s
end

-- start|end|used|held|min_lease|override|bonus: min_lease is '' without open reservations, override '' for the plan's limit and '*' for
-- no limit.
local function quota_read(value)
  local start, stop, used, held, lease, own, bonus = string.match(value, '^(%d+)|(%d+)|(%d+)|(%d+)|(%d*)|([%d*]*)|(%d+)$')
  if not start or own ~= '' and own ~= '*' and not tonumber(own) then return nil end
  return {
    period = start .. '|' .. stop, used = tonumber(used), held = tonumber(held), lease = tonumber(lease), own = own, bonus = tonumber(bonus)
  }
end

local function quota_write(q)
  local lease = q.lease and string.format('%.0f', q.lease) or ''
  return string.format('%s|%.0f|%.0f|%s|%s|%.0f', q.period, q.used, q.held, lease, q.own, q.bonus)
end

-- Whether a hash can be decided on: of this user and epoch, whole, and not past `until`.
local function user_is_warm(key, f, epoch, now)
  if not f.id or f.epoch ~= epoch or key ~= 'gh:{' .. string.sub(f.id, 5) .. '}' or not f.plan then return false end
  if f.mail ~= '0' and f.mail ~= '1' then return false end
  if f.status ~= 'active' and f.status ~= 'suspended' and f.status ~= 'deleted' then return false end
  local till = string.match(f['until'] or '', '^%d+$')
  return till ~= nil and now < tonumber(till)
end

-- Makes a hash cold for a while; one that is cold already keeps its ticket, so that all who rebuild share it.
local function user_cold(key, f, epoch, ticket, now)
  if f.ticket and f.epoch == epoch then return {'COLD', now, f.ticket} end
  redis.call('DEL', key)
  redis.call('HSET', key, 'ticket', ticket, 'epoch', epoch)
  expire(key, TICKET_MS)
  return {'COLD', now, ticket}
end
