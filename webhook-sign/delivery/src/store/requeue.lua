-- Queues a dead letter again.
--
-- ARGV[1] the endpoint  ARGV[2] the message
-- Returns 1 if it is queued, 2 if it was delivered, and 0 if there is none.
local id, message = ARGV[1], ARGV[2]
local record = record_of(name_of(id, message))
if not record then
  return 0
end
if record[STATE] == DELIVERED then
  return 2
end
if record[STATE] == DEAD then
  take(id, message, record)
  record[STATE], record[WHEN], record[SEQUENCE] = QUEUED, now, next_sequence()
  record[TOKEN], record[SETTLED], record[REASON], record[BECAME] = '', 1, 0, 0
  record[TRIES], record[LOST] = 0, 0
  line_up(id, message, record)
  if record[STATE] == WAITING then
    record[SETTLED], record[WHEN] = 0, 0
  end
  put(id, message, record)
  keep(id, endpoint_of(id))
end
return 1
