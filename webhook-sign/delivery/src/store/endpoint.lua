-- What is known of an endpoint.
--
-- ARGV[1] the endpoint
-- Returns {sending, us of the pause that are left, disabled, failures, refusals, failing for us, probing}
local endpoint = endpoint_of(ARGV[1])
local failing = endpoint[REFUSALS] > 0 and math.max(now - endpoint[SINCE], 0) or 0
return {
  endpoint[COUNT], math.max(endpoint[PAUSED] - now, 0), endpoint[DISABLED], endpoint[FAILURES], endpoint[REFUSALS],
  failing, endpoint[PROBING],
}
