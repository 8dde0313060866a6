#!lua flags=allow-oom
-- Moves the end of the lease of a pending record, and may replace its checkpoint.
-- The offsets are those of record.rs, plus one.
--
-- KEYS[1] the record
-- ARGV[1] the owner's token  ARGV[2] the lease from now, ms  ARGV[3] the checkpoint, if any
-- Returns 1, or 0 if the record is not pending or not the owner's.
local head = redis.call('GETRANGE', KEYS[1], 0, 69)
if head == '' then
  return 0
end
if #head < 70 or head:byte(1) ~= 1 or head:byte(2) > 1 then
  return redis.error_reply('-INCOMPATIBLE the record has an unknown version or state')
end
if head:byte(2) ~= 0 or head:sub(3, 18) ~= ARGV[1] then
  return 0
end

local left = redis.call('PTTL', KEYS[1])
local retention = struct.unpack('>I8', head, 55)
local age = left < 0 and 0 or math.max(0, retention - left)
local lease_end = struct.pack('>I8', age + tonumber(ARGV[2]))
if ARGV[3] then
  redis.call('SET', KEYS[1], head:sub(1, 62) .. lease_end .. '\1' .. ARGV[3], 'KEEPTTL')
else
  redis.call('SETRANGE', KEYS[1], 62, lease_end)
end
return 1
