-- Entries for wrk: each with its own Idempotency-Key, recipients out of a pool, and an amount of its own.
-- Arguments: API key, path, day of all entries, least and most recipients, how many they are chosen from, least and most
-- cents of a part, how many in 100 are hosted, the status of a good answer, seconds to go on, seed. At the end nothing is
-- left unanswered, so that every entry that the server kept is also one that it answered for.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long s; long ns; } moment_t;
  int clock_gettime(int, moment_t *);
  int getpid(void);
  int kill(int, int);
]]
local MONOTONIC, INTERRUPT, FOREVER_MS = 1, 2, 3600 * 1000
local moment = ffi.new("moment_t")

local function now()
  ffi.C.clock_gettime(MONOTONIC, moment)
  return tonumber(moment.s) + tonumber(moment.ns) / 1e9
end

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function init(arguments)
  key, path, day = arguments[1], arguments[2], arguments[3]
  least, most, pool = tonumber(arguments[4]), tonumber(arguments[5]), tonumber(arguments[6])
  part_from, part_to, hosted_share = tonumber(arguments[7]), tonumber(arguments[8]), tonumber(arguments[9])
  good, seconds = tonumber(arguments[10]), tonumber(arguments[11])
  math.randomseed(tonumber(arguments[12]))
  wrk.headers["Content-Type"] = "application/json"
  if key ~= "" then wrk.headers["Authorization"] = "Bearer " .. key end
  asked, answered, kept, first, last, complaint = 0, 0, 0, nil, 0, ""
end

function delay()
  if not first then first, asked = now(), 0 end -- wrk has asked for one request before, to look at it
  return now() - first >= seconds and FOREVER_MS or 0
end

local function people(count)
  local chosen, seen = {}, {}
  while #chosen < count do
    local number = math.random(0, pool - 1)
    if not seen[number] then
      seen[number] = true
      chosen[#chosen + 1] = string.format('{"id":"rec_%032x"}', number)
    end
  end
  return table.concat(chosen, ",")
end

function request()
  asked = asked + 1
  local count, part, hosted = math.random(least, most), math.random(part_from, part_to), math.random(100) <= hosted_share
  local total = part * (hosted and count + 1 or count) -- the giver eats a part of a hosted meal
  local body = string.format(
    '{"occurred_on":"%s","kind":"%s","giver":"giver %d","total":{"amount":"%d.%02d","currency":"USD"},%s"recipients":[%s],'
      .. '"purpose":"quarterly review number %d"}',
    day, hosted and "meal" or "gift", math.random(200), math.floor(total / 100), total % 100,
    hosted and '"hosts_present":true,' or "", people(count), asked)
  wrk.headers["Idempotency-Key"] = string.format("%08x%08x%08x-%d", math.random(0, 2147483647),
    math.random(0, 2147483647), math.random(0, 2147483647), asked)
  return wrk.format("POST", path, nil, body)
end

function response(status, headers, body)
  answered, last = answered + 1, now()
  if status == good then
    kept = kept + 1
  elseif complaint == "" then
    complaint = status .. " " .. string.gsub(string.sub(body, 1, 300), '[%c"\\]', " ")
  end
  if answered == asked and last - first >= seconds then
    ffi.C.kill(ffi.C.getpid(), INTERRUPT) -- wrk's own way to end early
  end
end

function done(summary, latency, requests)
  local thread = threads[1]
  local broken = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format('\n{"asked":%d,"answered":%d,"kept":%d,"broken":%d,"seconds":%f,'
    .. '"p50_ms":%f,"p95_ms":%f,"p99_ms":%f,"complaint":"%s"}\n',
    thread:get("asked"), thread:get("answered"), thread:get("kept"), broken, thread:get("last") - thread:get("first"),
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000, thread:get("complaint")))
end
