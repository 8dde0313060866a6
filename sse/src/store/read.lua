-- Where the log ends, and what comes after a position. ARGV[3] how many events at most, [4] the epoch and [5] the
-- offset of the position.
local log = find()
if is_torn(log) then
    log = begin()
end
-- One that is quiet, and read, stays. Not each time, since that would be a write.
if redis.call('PTTL', KEYS[2]) * 2 < tonumber(ARGV[2]) then
    redis.call('PEXPIRE', KEYS[2], ARGV[2])
end

local events = {}
if ARGV[3] ~= '0' then
    local first = '-'
    if ARGV[4] == log.epoch then
        first = '(' .. ARGV[5] .. '-0'
    end
    events = redis.call('XRANGE', KEYS[1], first, '+', 'COUNT', ARGV[3])
end
return { position(log), events }
