-- The packed window, by the functions of window.lua, which stands before this, with a clock that is told.
-- KEYS  1 a subject   ARGV  1 now ms  2 limit  3 window ms  4 cells
-- Gives 1 admitted, 0 refused.
local now, limit, W, B = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local w, verdict = window_decide(window_load(KEYS[1], {'api'})[1], now, W, B, limit, 1, 0)
if verdict ~= 1 then return 0 end
window_write(KEYS[1], 'api', (window_take(w, 1)), W, B)
return 1
