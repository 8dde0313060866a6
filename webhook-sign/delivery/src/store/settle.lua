-- Ends a lease: the message was delivered, is to be tried again, or is given up.
--
-- ARGV[1] the endpoint  ARGV[2] the message  ARGV[3] the token  ARGV[4] the attempt or nothing
-- ARGV[5] the state  ARGV[6] how long it is in it, us  ARGV[7] the reason  ARGV[8] 1 if the attempt counts
-- ARGV[9] what it means for the endpoint: 0 nothing, 1 a failure, 2 throttled, 3 disabled
-- ARGV[10] the pause, us, or -1; or the reason
-- Returns 1, 2 if the endpoint has recovered, and 0 if it is another's.
local id, message, token, state = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local record = record_of(name_of(id, message))
if not record then
  return 0
end
if not is_held(record, token) then
  local done = record[STATE] == state and record[SETTLED] == 1 and record[TOKEN] == token
  return done and 1 or 0
end
local endpoint = endpoint_of(id)
if record[STATE] == SENDING then
  endpoint[COUNT] = math.max(endpoint[COUNT] - 1, 0)
end
record[LOG] = (record[LOG] .. ARGV[4]):sub(-ATTEMPT * ATTEMPTS)
if ARGV[8] == '0' then
  record[TRIES] = math.max(record[TRIES] - 1, 0)
end
take(id, message, record)
record[SETTLED], record[REASON] = 1, tonumber(ARGV[7])
record[STATE], record[WHEN] = state, later(ARGV[6])
put(id, message, record)

local reply = 1
if state == DELIVERED then
  redis.call('HDEL', PAYLOADS, name_of(id, message))
  if endpoint[PROBING] == 1 then
    endpoint[PAUSED], reply = 0, 2
  end
  endpoint[PROBING], endpoint[FAILURES], endpoint[SINCE] = 0, 0, 0
end
if state ~= QUEUED then
  let_next(id, record)
end

local effect, pause = ARGV[9], tonumber(ARGV[10])
if effect == '1' then
  endpoint[FAILURES] = endpoint[FAILURES] + 1
  if endpoint[SINCE] == 0 then
    endpoint[SINCE] = now
  end
  if pause >= 0 then
    endpoint[PROBING] = 1
  end
end
if (effect == '1' or effect == '2') and pause >= 0 then
  endpoint[PAUSED] = math.max(endpoint[PAUSED], later(pause))
end
if effect == '3' and endpoint[DISABLED] == 0 then
  endpoint[DISABLED] = pause
end
keep(id, endpoint)
return reply
