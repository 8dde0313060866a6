-- KEYS[1] the tenant's set. ARGV: the origin, how many there may be.
-- 1 added, 0 there before, -1 no room.
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then
    return 0
end
local marker = redis.call('SISMEMBER', KEYS[1], '')
if redis.call('SCARD', KEYS[1]) - marker >= tonumber(ARGV[2]) then
    return -1
end
redis.call('SADD', KEYS[1], '', ARGV[1])
return 1
