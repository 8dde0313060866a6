-- What both scripts begin with. KEYS[1] the events, [2] the log. ARGV[1] the epoch of a log that begins now,
-- [2] for how many milliseconds a log is known.

-- A log that has no events. Those that are left are of another one. The first write is one that a full server refuses.
local function begin()
    redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'offset', '0', 'tag', '00000000')
    redis.call('DEL', KEYS[1])
    return { epoch = ARGV[1], offset = '0', tag = '00000000' }
end

local function find()
    local found = redis.call('HMGET', KEYS[2], 'epoch', 'offset', 'tag')
    if found[1] and found[2] and found[3] then
        return { epoch = found[1], offset = found[2], tag = found[3] }
    end
    return begin()
end

-- Are there events after the last one? Then one of the two keys is of an older state than the other.
local function is_torn(log)
    return #redis.call('XRANGE', KEYS[1], '(' .. log.offset .. '-0', '+', 'COUNT', 1) > 0
end

local function position(log)
    return log.epoch .. '.' .. log.offset .. '.' .. log.tag
end
