#!lua flags=allow-oom
-- Makes an event done, if it is the fence's or nobody's.
--
-- KEYS[1] the event
-- ARGV[1] the fence  ARGV[2] how long to keep it, ms
-- Returns 1, or 0 if it is another's.
local seen = redis.call('GET', KEYS[1])
if seen == 'd' .. ARGV[1] then
  return 1
end
if seen and seen ~= 'f' .. ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], 'd' .. ARGV[1], 'PX', ARGV[2])
return 1
