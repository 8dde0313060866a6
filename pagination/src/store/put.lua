-- KEYS[1] the cursor, [2] its owner's generation. ARGV: what it says, milliseconds, a random name.
local generation = redis.call('GET', KEYS[2])
if generation then
    -- It has to be there for as long as a cursor of it is kept.
    redis.call('PEXPIRE', KEYS[2], ARGV[2], 'GT')
else
    -- With the time: one that is sent again, after its generation was revoked, does not bring that back.
    local time = redis.call('TIME')
    generation = ARGV[3] .. '-' .. time[1] .. '-' .. time[2]
    redis.call('SET', KEYS[2], generation, 'PX', ARGV[2])
end
redis.call('SET', KEYS[1], generation .. ':' .. ARGV[1], 'PX', ARGV[2])
return 1
