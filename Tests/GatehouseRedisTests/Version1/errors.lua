-- The errors of Redis, a prelude of all scripts.

-- Whether the answer of pcall says that a key is of another type: it holds none of our values. Any other error, as of an account that
-- lacks the command, says nothing of the key: it ends the script and is its answer.
local function is_foreign(reply)
  if type(reply) ~= 'table' or not reply.err then return false end
  if string.find(reply.err, '^WRONGTYPE') then return true end
  error(reply)
end

-- Gives a key that was just written its time to live. Where Redis refuses that the key is deleted: none may live for ever.
local function expire(key, ms)
  local reply = redis.pcall('PEXPIRE', key, ms)
  if type(reply) == 'number' then return end
  redis.call('DEL', key)
  error(reply)
end
