-- Appends an event, and tells all who listen. KEYS[3] where the event is, if it was appended. ARGV[3] its tag,
-- [4] its topic, [5] its body, [6] how many events are kept; milliseconds for which [7] the events are kept and
-- [8] the event is known.
local log = find()
local known = redis.call('GET', KEYS[3])
-- One of another log is lost with that.
if known and string.sub(known, 1, #log.epoch) == log.epoch then
    return known
end

local before
local function add()
    before = log
    -- A number of Lua is exact up to 2^53, which is out of reach: a million a second for 285 years. Written by
    -- itself, it has 14 digits.
    local offset = string.format('%.0f', tonumber(log.offset) + 1)
    log = { epoch = log.epoch, offset = offset, tag = ARGV[3] }
    return redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[6], offset .. '-0',
        't', ARGV[4], 'p', before.tag, 'g', log.tag, 'b', ARGV[5])
end

local added = add()
if type(added) == 'table' and is_torn(before) then
    log = begin()
    added = add()
end
if type(added) == 'table' then
    return added
end

redis.call('HSET', KEYS[2], 'offset', log.offset, 'tag', log.tag)
redis.call('PEXPIRE', KEYS[1], ARGV[7])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('SET', KEYS[3], position(log), 'PX', ARGV[8])
redis.call('PUBLISH', KEYS[1],
    position(log) .. ' ' .. before.tag .. ' ' .. #ARGV[4] .. ' ' .. ARGV[4] .. ARGV[5])
return position(log)
