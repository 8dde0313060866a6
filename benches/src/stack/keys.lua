-- The first argument is sent as JSON, each time with a new key. The second argument tells runs apart.
local number, run = 0, ""

function init(arguments)
    wrk.method = "POST"
    wrk.body = arguments[1]
    run = arguments[2]
end

function request()
    number = number + 1
    wrk.headers["idempotency-key"] = run .. "-" .. number
    return wrk.format()
end
