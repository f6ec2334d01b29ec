-- trial: runs each command that the other scripts call, and looks whether the account may run what is called outside of scripts. (Each
-- connection asks for INFO by itself.)
-- KEYS  1 gh:{trial}
-- ARGV  1 none
-- Gives a command and the error that Redis answered it with, by turns; nothing of a command that was carried out.
local key, refused = KEYS[1], {}
local function met(command, message)
  refused[#refused + 1], refused[#refused + 2] = command, message
end
local function try(command, reply)
  -- A value of another type is deleted below.
  if type(reply) == 'table' and reply.err and not string.find(reply.err, '^WRONGTYPE') then met(command, reply.err) end
end
-- The write that takes memory comes first: a full Redis refuses it only there.
try('hset', redis.pcall('HSET', key, 'tried', '1'))
try('pexpire', redis.pcall('PEXPIRE', key, TICKET_MS))
try('pttl', redis.pcall('PTTL', key))
try('hget', redis.pcall('HGET', key, 'tried'))
try('hmget', redis.pcall('HMGET', key, 'tried'))
try('hdel', redis.pcall('HDEL', key, 'tried'))
try('del', redis.pcall('DEL', key))
try('time', redis.pcall('TIME'))
for command, words in pairs({
  eval = {'EVAL', 'return 1', '0'}, evalsha = {'EVALSHA', '', '0'}, ['script|load'] = {'SCRIPT', 'LOAD', ''}, ['client|setname'] = {'CLIENT', 'SETNAME', ''}
}) do
  if not redis.acl_check_cmd(unpack(words)) then met(command, 'NOPERM') end
end
return refused
