-- An allowance, a part of the scripts that hold and give back units:
-- start|end|used|held|min_lease|override|bonus: min_lease is '' without open reservations, override '' for the plan's limit and '*' for
-- no limit. nil for a value that is none of ours.
local function quota_read(value)
  local start, stop, used, taken, lease, own, bonus = string.match(value, '^(%d+)|(%d+)|(%d+)|(%d+)|(%d*)|([%d*]*)|(%d+)$')
  if not start or own ~= '' and own ~= '*' and not tonumber(own) then return nil end
  return {
    period = start .. '|' .. stop, used = tonumber(used), held = tonumber(taken), lease = tonumber(lease), own = own, bonus = tonumber(bonus)
  }
end

local function quota_write(q)
  local lease = q.lease and string.format('%.0f', q.lease) or ''
  return string.format('%s|%.0f|%.0f|%s|%s|%.0f', q.period, q.used, q.held, lease, q.own, q.bonus)
end
