-- What is known of an endpoint.
--
-- ARGV[1] the endpoint
-- Returns {sending, us of the pause that are left, disabled, failures, failing for us, probing}
local endpoint = endpoint_of(ARGV[1])
local failures, failing, probing = health(endpoint)
local paused = math.max(endpoint[PAUSED] - now, 0)
return { endpoint[COUNT], paused, endpoint[DISABLED], failures, failing, probing }
