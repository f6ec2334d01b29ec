-- Exact log: the instant of each unit, in a sorted set.
-- KEYS  1 a subject   ARGV  1 now ms  2 limit  3 window ms  4 a word that no other call has
-- Gives 1 admitted, 0 refused.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1] - ARGV[3])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
