#!lua flags=allow-oom
-- Gives a pending record whose lease has run out to another owner.
-- The offsets are those of record.rs, plus one.
--
-- KEYS[1] the record
-- ARGV[1] the token that was seen  ARGV[2] the token that takes over
-- ARGV[3] the lease, ms            ARGV[4] the retention, ms
-- Returns nil if there is none, or {the record as it is now, its PTTL}.
local record = redis.call('GET', KEYS[1])
if not record then
  return nil
end
local left = redis.call('PTTL', KEYS[1])

local pending = #record > 70 and record:sub(1, 2) == '\1\0'
local seen = pending and record:sub(3, 18) == ARGV[1]
if not seen or ARGV[1] == ARGV[2] then
  return { record, left }
end

local attempt = struct.unpack('>I4', record, 19)
local retention, lease_end = struct.unpack('>I8I8', record, 55)
-- A record that never expires has no age: -1 stands for the whole retention.
local age = left < 0 and 0 or math.max(0, retention - left)
if age < lease_end then
  return { record, left }
end

record = record:sub(1, 2)
  .. ARGV[2]
  .. struct.pack('>I4', math.min(attempt + 1, 4294967295))
  .. record:sub(23, 54)
  .. struct.pack('>I8I8', tonumber(ARGV[4]), tonumber(ARGV[3]))
  .. record:sub(71)
redis.call('SET', KEYS[1], record, 'PX', ARGV[4])
return { record, tonumber(ARGV[4]) }
