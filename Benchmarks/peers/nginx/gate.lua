-- The gate inside nginx: the same script in the same Redis, the same answers. Its tokens are simpler than Gatehouse's: `<user>.<base64 of the
-- secret>`, without a checksum, so that LuaJIT has nothing to do that C does not do for it.
local cjson, redis, ffi, bit = require "cjson.safe", require "nginx.redis", require "ffi", require "bit"
local floor, ceil, max, min, format, byte = math.floor, math.ceil, math.max, math.min, string.format, string.byte
ffi.cdef "unsigned char *SHA256(const unsigned char *d, size_t n, unsigned char *md);"
local KEEP_MS, POOL, TIMEOUT_MS = 600000, 256, 1000
local SEED = ngx.worker and tostring(math.random(1e9, 9e9)) or ""

local digest, hex, digits = ffi.new "unsigned char[32]", ffi.new "char[64]", ffi.new("char[17]", "0123456789abcdef")
local function sha256(secret)
  ffi.C.SHA256(secret, #secret, digest)
  for i = 0, 31 do
    hex[2 * i], hex[2 * i + 1] = digits[bit.rshift(digest[i], 4)], digits[bit.band(digest[i], 15)]
  end
  return ffi.string(hex, 64)
end

local function word(text, at)
  local a, b, c, d = byte(text, at, at + 3)
  return a + b * 256 + c * 65536 + d * 16777216
end

-- Units left, and the seconds until more are.
local function standing(packed, now, limit, W, B)
  if #packed < 12 then return limit, 0 end
  local total = word(packed, 1)
  local left, bound, current = total, min(total, limit), floor(now * B / W)
  for at = 5, #packed, 8 do
    local count = word(packed, at + 4)
    left = left - count
    if left < bound then
      local number = current + bit.tobit(word(packed, at) - current % 4294967296)
      return max(0, limit - total), ceil(max(1, ceil((number + B + 1) * W / B) - now) / 1000)
    end
  end
  return max(0, limit - total), 0
end

local function instant(ms) return format("%s.%03dZ", os.date("!%Y-%m-%dT%H:%M:%S", floor(ms / 1000)), ms % 1000) end

return function(file)
  local handle = assert(io.open(file))
  local call = cjson.decode(handle:read "*a")
  handle:close()
  local key, policy, tickets = "Bearer " .. call.key, call.policy, 0

  local function arguments(user, hash)
    local now = ngx.now() * 1000
    tickets = tickets + 1
    local words = {}
    for i, w in ipairs(call.arguments) do
      if w.kind == "text" then words[i] = w.text
      elseif w.kind == "now" then words[i] = format("%.0f", now + w.offset)
      elseif w.kind == "hash" then words[i] = w.before .. hash .. w.after
      elseif w.kind == "user" then words[i] = w.before .. user .. w.after
      else words[i] = format("%016d", tickets) end
    end
    return words
  end

  -- Asks the script about a token; nil and a status if there is no allowing answer.
  local function ask(token)
    local user, secret = string.match(token or "", "^(%w+)%.(%S+)$")
    secret = secret and ngx.decode_base64(secret)
    if not secret then return nil, 401 end
    local connection = redis:new()
    connection:set_timeout(TIMEOUT_MS)
    if not connection:connect(call.socket) then return nil, 503 end
    local reply, fault = connection:evalsha(call.sha, call.keys, unpack(arguments(user, sha256(secret))))
    if not reply then
      ngx.log(ngx.WARN, "Redis: ", fault)
      return nil, 503
    end
    connection:set_keepalive(KEEP_MS, POOL)
    -- Words, then a line each for session, quota and account, then the window.
    local words, session, account, from = nil, nil, nil, nil
    if type(reply) == "string" then words, session, account, from = string.match(reply, "^(%S+ %d+ %d+)[^\n]*\n([^\n]*)\n[^\n]*\n([^\n]*)\n()") end
    local decision, seconds, microseconds = string.match(words or "", "^(%S+) (%d+) (%d+)")
    if decision ~= "allow" then
      local said = type(reply) == "table" and reply[1] or decision
      ngx.log(ngx.WARN, "The script says ", tostring(said), " of ", user)
      return nil, said == "ABSENT" and 401 or 503
    end
    local a, mail = {now = seconds * 1000 + floor(microseconds / 1000), id = "usr_" .. user}, nil
    a.plan, a.status, mail, a.ext = string.match(account, "^%d+|([^|]*)|([^|]*)|([01])|(.*)$")
    a.mail = mail == "1"
    a.class, a.session, a.auth, a.seen, a.ends = string.match(session, "^(%l+)|([^|]+)|%d+|(%d+)|(%d+)|(%d+)")
    a.limit = policy.limits[a.plan]
    a.remaining, a.reset = standing(string.sub(reply, from), a.now, a.limit, policy.window_seconds * 1000, policy.cells)
    return a
  end

  local function fields(a)
    local name = policy.name
    return format('"%s";q=%.0f;w=%d', name, a.limit, policy.window_seconds), format('"%s";r=%.0f;t=%d', name, a.remaining, a.reset)
  end

  local gate = {}

  -- GET /v1/auth/{profile}
  function gate.forward()
    local a, refused = ask(string.match(ngx.var.http_authorization or "", "^Bearer (.+)$"))
    if not a then return ngx.exit(refused) end
    local header = ngx.header
    header["Gatehouse-User"], header["Gatehouse-External-ID"], header["Gatehouse-Plan"] = a.id, a.ext, a.plan
    header["Gatehouse-Session"], header["Gatehouse-Status"] = a.session, "200"
    header["RateLimit-Policy"], header["RateLimit"] = fields(a)
    header["Content-Type"], header["Content-Length"] = nil, 0
  end

  -- POST /v1/gate
  function gate.decide()
    if ngx.var.http_authorization ~= key then return ngx.exit(401) end
    ngx.req.read_body()
    local question = cjson.decode(ngx.req.get_body_data() or "")
    if not question then return ngx.exit(400) end
    local a, refused = ask(question.token)
    if not a then return ngx.exit(refused) end
    local said, stands = fields(a)
    local idle = min(tonumber(a.seen) + call.idle[a.class], tonumber(a.ends))
    local body = format(
      '{"decision":"allow","allowed":true,"source":"redis","retry_after_seconds":null,"user":{"id":"%s","external_id":%s,"plan":"%s",'
        .. '"status":"%s","email_verified":%s},"session":{"id":"%s","class":"%s","authenticated_at":"%s","idle_expires_at":"%s",'
        .. '"expires_at":"%s"},"limits":[{"policy":"%s","limit":%.0f,"window_seconds":%d,"remaining":%.0f,"reset_seconds":%d,'
        .. '"exceeded":false,"shadow":false}],"allowances":[],"reservation":null,"headers":{"RateLimit-Policy":%s,"RateLimit":%s},'
        .. '"problem":null}',
      a.id, a.ext ~= "" and cjson.encode(a.ext) or "null", a.plan, a.status, tostring(a.mail), a.session, a.class,
      instant(tonumber(a.auth)), instant(idle), instant(tonumber(a.ends)), policy.name, a.limit, policy.window_seconds, a.remaining,
      a.reset, cjson.encode(said), cjson.encode(stands))
    ngx.header["Content-Length"] = #body
    ngx.print(body)
  end

  return gate
end
