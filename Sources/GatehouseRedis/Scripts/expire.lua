-- A part of the scripts that count: a key lives as long as any of its windows can count. Reads left, the key's time to live before the
-- first write. The call that begins a cell sees to all of the cell, and a key that has no end gets one. Where Redis refuses that the key is
-- deleted: none may live for ever.
if left and (left < 0 or begun and left < ttl) then
  local reply = redis.pcall('PEXPIRE', rl, string.format('%.0f', math.ceil(ttl)))
  if type(reply) == 'table' then
    redis.call('DEL', rl)
    return reply
  end
end
