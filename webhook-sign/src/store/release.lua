#!lua flags=allow-oom
-- Removes a record in flight, if it is the fence's.
--
-- KEYS[1] the event
-- ARGV[1] the fence
-- Returns 1, or 0 if there is nothing to remove.
if redis.call('GET', KEYS[1]) == 'f' .. ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
