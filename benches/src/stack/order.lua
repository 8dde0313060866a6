-- The first argument is sent as JSON.
function init(arguments)
    wrk.method = "POST"
    wrk.body = arguments[1]
end
