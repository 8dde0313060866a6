#!lua flags=allow-oom
-- Removes a pending record.
-- The offsets are those of record.rs, plus one.
--
-- KEYS[1] the record
-- ARGV[1] the owner's token
-- Returns 1, or 0 if the record is not pending or not the owner's.
local head = redis.call('GETRANGE', KEYS[1], 0, 69)
if #head == 70 and head:sub(1, 2) == '\1\0' and head:sub(3, 18) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
