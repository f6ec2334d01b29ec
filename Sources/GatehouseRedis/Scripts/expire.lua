-- A part of the scripts that count: a key lives as long as any of its windows can count. Whoever begins a cell has seen to that for all
-- of the cell, so ttl is 0 where none was begun. A quarter more is given, so that not every cell has to renew it.
if ttl > 0 and redis.call('PTTL', rl) < ttl then redis.call('PEXPIRE', rl, string.format('%.0f', ttl * 1.25)) end
