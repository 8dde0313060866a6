-- What there is, in the order of the index. What cannot be read is set aside, so that it can be told and queued again.
--
-- ARGV[1] the endpoint or nothing  ARGV[2] the state or nothing  ARGV[3] the place after which to begin, or nothing
-- ARGV[4] at most so many
-- Returns {the last place that was looked at or nothing, {endpoint, message, state, us until its time, tries, reason,
-- us since it came, attempts}…}
local id, state, limit = ARGV[1], ARGV[2], tonumber(ARGV[4])
local from, to, within = '-', '+', ''
if id ~= '' then
  within = id .. '\0' .. state
  from, to = '[' .. within, '(' .. within .. '\255'
end
if ARGV[3] ~= '' then
  -- A place that somebody made up leads nowhere, and least of all to another endpoint.
  if ARGV[3]:sub(1, #within) ~= within then
    return { '' }
  end
  from = '(' .. ARGV[3]
end
local places = redis.call('ZRANGEBYLEX', INDEX, from, to, 'LIMIT', 0, limit)
local reply = { '' }
for _, place in ipairs(places) do
  local endpoint, at, message = parts_of(place)
  local name = name_of(endpoint, message)
  local known, record = pcall(record_of, name)
  if not known then
    set_aside(endpoint, message, place)
    at, record = DEAD, record_of(name)
  end
  if record and (state == '' or state == at) then
    reply[#reply + 1] = {
      endpoint, message, at, math.max(record[WHEN] - now, 0), record[TRIES], record[REASON],
      math.max(now - record[CREATED], 0), record[LOG],
    }
  end
end
if #places == limit then
  reply[1] = places[#places]
end
return reply
