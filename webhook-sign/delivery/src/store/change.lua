-- Changes what is known of an endpoint.
--
-- ARGV[1] the endpoint  ARGV[2] 1 disable, 2 enable, 3 pause  ARGV[3] the reason, or the pause, us
local known, endpoint = pcall(endpoint_of, ARGV[1])
if not known then
  if ARGV[2] ~= '2' then
    incompatible()
  end
  -- As new is what it is to be, whatever it was.
  endpoint = recounted(ARGV[1])
end
if ARGV[2] == '1' then
  if endpoint[DISABLED] == 0 then
    endpoint[DISABLED] = tonumber(ARGV[3])
  end
elseif ARGV[2] == '2' then
  endpoint[PAUSED], endpoint[PROBING], endpoint[FAILURES] = 0, 0, 0
  endpoint[REFUSALS], endpoint[SINCE], endpoint[DISABLED] = 0, 0, 0
else
  endpoint[PAUSED] = math.max(endpoint[PAUSED], later(ARGV[3]))
end
keep(ARGV[1], endpoint)
return 1
