-- Makes a record in flight if there is none.
--
-- KEYS[1] the event
-- ARGV[1] the fence  ARGV[2] the lease, ms
-- Returns 1 if the event is the fence's, 2 if it is done, {the lease that is left, ms} if it is another's, and 3 if there
-- is no room.
local seen = redis.call('GET', KEYS[1])
if not seen then
  -- pcall: a server without room says so, and that is an answer.
  local set = redis.pcall('SET', KEYS[1], 'f' .. ARGV[1], 'PX', ARGV[2])
  if set.err then
    if set.err:find('OOM', 1, true) then
      return 3
    end
    return set
  end
  return 1
end
local kind = seen:sub(1, 1)
if #seen ~= 17 or (kind ~= 'f' and kind ~= 'd') then
  return redis.error_reply('INCOMPATIBLE a record that this version did not write')
end
if kind == 'd' then
  return 2
end
if seen:sub(2) == ARGV[1] then
  return 1
end
return { redis.call('PTTL', KEYS[1]) }
