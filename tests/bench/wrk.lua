-- Sends the prepared requests of $WRK_REQUESTS in turn, each under a key of its own, and writes what came of them to
-- $WRK_REPORT as JSON. A prepared request is "<bytes of head> <bytes of body>\n<head><body>"; its head ends where the
-- value of its last header begins: the key.

local heads, bodies, turn = {}, {}, 0
local key = os.getenv("WRK_KEY")
local threads = {}

statuses = {}

function setup(thread)
    table.insert(threads, thread)
end

function init(_)
    local file = assert(io.open(os.getenv("WRK_REQUESTS"), "rb"))
    while true do
        local head, body = file:read("*n", "*n")
        if not head then
            break
        end
        file:read(1)
        heads[#heads + 1] = file:read(head)
        bodies[#bodies + 1] = body > 0 and file:read(body) or ""
    end
    file:close()
end

function request()
    local place = turn % #heads + 1
    turn = turn + 1
    return heads[place] .. key .. turn .. "\r\n\r\n" .. bodies[place]
end

function response(status)
    statuses[status] = (statuses[status] or 0) + 1
end

function done(summary, latency)
    local counted, told = {}, {}
    for _, thread in ipairs(threads) do
        for status, answers in pairs(thread:get("statuses")) do
            counted[status] = (counted[status] or 0) + answers
        end
    end
    for status, answers in pairs(counted) do
        told[#told + 1] = string.format('"%d": %d', status, answers)
    end
    local errors = summary.errors
    local file = assert(io.open(os.getenv("WRK_REPORT"), "w"))
    file:write(string.format(
        '{"seconds": %.6f, "requests": %d, "lost": %d, "p50_ms": %.3f, "p95_ms": %.3f, "p99_ms": %.3f, "statuses": {%s}}\n',
        summary.duration / 1e6, summary.requests, errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
        table.concat(told, ", ")
    ))
    file:close()
end
