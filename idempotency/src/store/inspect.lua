#!lua flags=no-writes
-- Tells a record and its time to live, as of one moment.
--
-- KEYS[1] the record
-- Returns nil, or {the record, its PTTL}.
local record = redis.call('GET', KEYS[1])
if not record then
  return nil
end
return { record, redis.call('PTTL', KEYS[1]) }
