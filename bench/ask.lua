-- Questions for wrk: any of the paths in a file, again and again, each of which must be answered with 200.
-- Arguments: API key, file with one path a line, seed.

function init(arguments)
  key, paths = arguments[1], {}
  for path in io.lines(arguments[2]) do paths[#paths + 1] = path end
  math.randomseed(tonumber(arguments[3]))
  if key ~= "" then wrk.headers["Authorization"] = "Bearer " .. key end
  answered, refused, complaint = 0, 0, ""
end

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function request()
  return wrk.format("GET", paths[math.random(#paths)])
end

function response(status, headers, body)
  answered = answered + 1
  if status ~= 200 then
    refused = refused + 1
    if complaint == "" then complaint = status .. " " .. string.gsub(string.sub(body, 1, 300), '[%c"\\]', " ") end
  end
end

function done(summary, latency, requests)
  local thread = threads[1]
  local broken = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format(
    '\n{"done":%d,"refused":%d,"broken":%d,"seconds":%f,"p50_ms":%f,"p95_ms":%f,"p99_ms":%f,"complaint":"%s"}\n',
    thread:get("answered"), thread:get("refused"), broken, summary.duration / 1000000,
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000, thread:get("complaint")))
end
