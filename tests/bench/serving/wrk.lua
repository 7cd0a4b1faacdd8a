-- Sends the lines of the file in the first argument as JSON bodies, over and over; without a file, plain GETs.
-- Prints one JSON line of figures at the end.
local requests = {}
local sent = 0

function init(args)
  if args[1] == nil then return end
  local headers = { ["Content-Type"] = "application/json" }
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, line)
  end
  request = function()
    sent = sent % #requests + 1
    return requests[sent]
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "refused": %d, "failed": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, failed))
end
