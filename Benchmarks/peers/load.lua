-- The requests of a file, one after another, for wrk: `wrk ... -s load.lua URL -- FILE`. Requests end with a zero byte. A byte of one in it is
-- where a number goes that no other request has.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  requests, at, sent = {}, 0, 0
  for text in string.gmatch(file:read("*a"), "([^%z]+)%z") do
    local before, after = string.match(text, "^(.*)\1(.*)$")
    requests[#requests + 1] = before and {before, after} or text
  end
  file:close()
  -- Threads begin at different places; a run goes on with other numbers than the last.
  at, run = math.floor(number * #requests / 4), string.format("%d-%d-", os.time(), number) .. tostring(requests):sub(-6)
end

function request()
  at = at % #requests + 1
  local text = requests[at]
  if type(text) == "string" then return text end
  sent = sent + 1
  return text[1] .. run .. sent .. text[2]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "microseconds": %d, "failed": %d, "lost": %d, "p50": %d, "p99": %d}\n', summary.requests, summary.duration,
    e.status, e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
