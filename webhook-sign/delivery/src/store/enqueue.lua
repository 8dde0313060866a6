-- Makes a record, unless there is one.
--
-- ARGV[1] the endpoint  ARGV[2] the message  ARGV[3] the payload  ARGV[4] after, us  ARGV[5] the order or nothing
-- Returns 1, 2 if there is one, and 3 if the endpoint is disabled.
local id, message = ARGV[1], ARGV[2]
local name = name_of(id, message)
sweep()
if redis.call('HEXISTS', RECORDS, name) == 1 then
  return 2
end
local endpoint = endpoint_of(id)
if endpoint[DISABLED] ~= 0 then
  return 3
end
local sequence = next_sequence()
local record = { 1, QUEUED, later(ARGV[4]), sequence, '', 1, 0, 0, ARGV[5], now, '', 0, 0 }
redis.call('HSET', PAYLOADS, name, ARGV[3])
line_up(id, message, record)
if record[STATE] == WAITING then
  -- In the order in which they came; when it is due is kept beside.
  record[SETTLED], record[WHEN] = tonumber(ARGV[4]), 0
end
put(id, message, record)
endpoint[KEPT] = endpoint[KEPT] + 1
keep(id, endpoint)
return 1
