-- Removes what there is of an endpoint, so much of it at most. Until it is all gone the endpoint is disabled.
--
-- ARGV[1] the endpoint  ARGV[2] at most so many records
-- Returns {how many were removed, 1 if there are more}
local id, limit = ARGV[1], tonumber(ARGV[2])

local function any()
  local from = id .. '\0'
  return redis.call('ZRANGEBYLEX', INDEX, '[' .. from, '(' .. from .. '\255', 'LIMIT', 0, 1)[1]
end

local removed, place = 0, any()
while place and removed < limit do
  local _, _, message = parts_of(place)
  erase(id, message, place)
  removed, place = removed + 1, any()
end
local endpoint = recounted(id)
if place then
  local known, before = pcall(endpoint_of, id)
  endpoint[DISABLED] = known and before[DISABLED] ~= 0 and before[DISABLED] or MANUAL
end
keep(id, endpoint)
return { removed, place and 1 or 0 }
