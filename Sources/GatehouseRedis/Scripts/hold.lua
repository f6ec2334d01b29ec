-- A part of the gate: units to hold. A hold that is there answers as before and spends nothing. Sets a decision, or after, the allowance
-- with the units; of unlimited metrics nothing is held.
-- include quota
if held then
  decision = 'allow'
else
  local q = quota and quota_read(quota)
  if not q then return cold() end
  local limit = match(hold.limits, '|' .. plan .. ':(%d*)') or match(hold.limits, ':(%d*)')
  if q.own ~= '' then limit = q.own end
  limit = tonumber(limit)
  if limit then
    if q.lease and now >= q.lease then return cold() end
    if not full and q.used + q.held + hold.units > limit + q.bonus then decision = 'allowance_exhausted' end
    local ends = now + hold.lease
    q.held, q.lease = q.held + hold.units, math.min(q.lease or ends, ends)
    after, hold.value = quota_write(q), string.format('%s|%.0f|%.0f|', hold.metric, hold.units, ends)
  end
end
