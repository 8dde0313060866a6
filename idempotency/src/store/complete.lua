#!lua flags=allow-oom
-- Puts the answer in the place of its pending record.
-- The offsets are those of record.rs, plus one. Only the head of what is there is read.
--
-- KEYS[1] the record
-- ARGV[1] the owner's token  ARGV[2] the completed record  ARGV[3] the retention, ms
-- Returns 1, or {what is there, its PTTL} if that is another's.
local head = redis.call('GETRANGE', KEYS[1], 0, 69)
if #head == 70 and head:byte(1) == 1 and head:sub(3, 18) == ARGV[1] then
  if head:byte(2) == 1 then
    return 1
  end
  if head:byte(2) == 0 then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    return 1
  end
end
if head == '' and redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1
end
return { redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1]) }
