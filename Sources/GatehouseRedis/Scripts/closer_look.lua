-- A part of the gate: all that a plain call of an active user, whose session was seen a moment ago, does not need.
-- Sets account, plan, session, n and what is out of the ordinary; a decision that falls before the limits; cold().
-- A key of another type is a cold hash. Any other error says nothing of it, and is the answer.
if f.err and not string.find(f.err, '^WRONGTYPE') then return f end
local status, mail, auth, words, o = nil, nil, nil, nil, {}
local epoch = match(ARGV[1], '^v2:(%x+):')
if n % 1 ~= 0 then
  n, words = math.floor(n), ARGV[#ARGV]
  peek = string.find(words, ' peek ', 1, true)
  if string.find(words, ' hold ', 1, true) then
    n = n - 1
    local at = 7 + 5 * n
    hold = {id = ARGV[at], metric = ARGV[at + 1], units = ARGV[at + 2] + 0, lease = ARGV[at + 3] + 0, limits = ARGV[at + 4]}
    local found = redis.pcall('HMGET', key, 'q:' .. hold.metric, 'h:' .. hold.id)
    quota, held = found[1], found[2]
  end
  if string.find(words, ' besides=', 1, true) then
    besides = {}
    for units in string.gmatch(match(words, ' besides=(%S+)'), '%d+') do besides[#besides + 1] = units + 0 end
  end
end
-- A hash of version 1, which older processes write, is read where it lies: it is as good, and they could not read one of this version.
if not account then
  o = redis.pcall('HMGET', key, 'ticket', 'epoch', 'id', 'until', 'plan', 'status', 'mail', 'ext')
  if o[2] == epoch and o[3] and o[5] and key == 'gh:{' .. string.sub(o[3], 5) .. '}' then
    local ext = string.gsub(o[8] or '', '[%c%%]', function(c) return string.format('%%%02X', string.byte(c)) end)
    account = string.format('%s|%s|%s|%s|%s', o[4] or '', o[5], o[6] or '', o[7] or '', ext)
  end
end
-- Makes a hash cold for a while; one that is cold already keeps its ticket, so that all who rebuild share it.
cold = function()
  if o[1] and o[2] == epoch then return {'COLD', now, o[1]} end
  redis.call('DEL', key)
  redis.call('HSET', key, 'ticket', ARGV[6], 'epoch', epoch)
  local reply = redis.pcall('PEXPIRE', key, TICKET_MS)
  if type(reply) == 'table' then
    -- No key may live for ever.
    redis.call('DEL', key)
    return reply
  end
  return {'COLD', now, ARGV[6]}
end
till, plan, status, mail = match(account or '', '^(%d+)|([%w_]*)|(%l+)|([01])|')
if not till or now >= till + 0 or status ~= 'active' and status ~= 'suspended' and status ~= 'deleted' then return cold() end

if token ~= '' then
  if not session then return {'ABSENT', now} end
  -- class|sid|created|auth|seen|abs[|prev], `prev` for a successor that has not been used.
  local head, class, rest
  head, class, auth, seen, abs, rest = match(session, '^((%l+)|ses_%w+|%d+|(%d+)|)(%d+)|(%d+)(.*)$')
  local web, remember, mobile = match(ARGV[5], '^(%d+)|(%d+)|(%d+)$')
  local idle = class == 'web' and web or class == 'remember' and remember or class == 'mobile' and mobile
  if not idle or rest ~= '' and rest ~= '|prev' then return cold() end
  local tau = math.min(math.floor(idle / 10), TOUCH_MS)
  if now >= abs + 0 or now > seen + idle + 2 * tau then return {'ABSENT', now} end
  if rest ~= '' then return {'ROTATED', now} end
  if now - seen > tau then touch = string.format('%s%.0f|%s', head, now, abs) end
end
if status ~= 'active' then
  decision = 'suspended'
elseif words then
  local within, plans = match(words, ' authenticated=(%d+)'), match(words, ' plans=(%S+)')
  if within and auth and now - auth > within + 0 then
    decision = 'reauthentication_required'
  elseif mail ~= '1' and string.find(words, ' verified ', 1, true) then
    decision = 'email_unverified'
  elseif plans and (match(plans, '|' .. plan .. ':(%d)') or match(plans, ':(%d)')) == '0' then
    decision = 'plan_required'
  end
end
