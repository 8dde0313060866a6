-- Makes a lease longer, from now.
--
-- ARGV[1] the endpoint  ARGV[2] the message  ARGV[3] the token  ARGV[4] the lease, us
-- Returns 1, or 0 if it is another's.
local id, message = ARGV[1], ARGV[2]
local record = record_of(name_of(id, message))
if not record or not is_held(record, ARGV[3]) then
  return 0
end
local endpoint = endpoint_of(id)
-- One that ran out, and that nobody has claimed since, is leased again.
if record[STATE] == QUEUED then
  endpoint[COUNT] = endpoint[COUNT] + 1
  find_again(record)
end
move(id, message, record, SENDING, later(ARGV[4]))
keep(id, endpoint)
return 1
