-- The workload of wrk: every request is another visitor, from another address, with the next link of the list.
-- Arguments: the file (a target, a tab, an address on each line), the media type to accept, the line to start at.

local lines, position, count = {}, 0, 0
local before, between, after

function init(args)
  for line in io.lines(args[1]) do
    count = count + 1
    lines[count] = line
  end
  position = tonumber(args[3])
  before = "GET "
  between = " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\nAccept: " .. args[2]
    .. "\r\nUser-Agent: " .. wrk.headers["User-Agent"] .. "\r\nX-Forwarded-For: "
  after = "\r\n\r\n"
end

function request()
  position = position % count + 1
  local line = lines[position]
  local tab = string.find(line, "\t", 1, true)
  return before .. string.sub(line, 1, tab - 1) .. between .. string.sub(line, tab + 1) .. after
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d,"p50_ms":%.3f,"p99_ms":%.3f,"bytes":%d}\n',
    summary.requests, summary.duration / 1e6, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, summary.bytes))
end
