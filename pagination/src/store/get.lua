-- KEYS[1] the cursor, [2] its owner's generation. What it says, nil if it is of no use.
local kept = redis.call('GET', KEYS[1])
if not kept then
    return kept
end
local colon = string.find(kept, ':', 1, true)
if not colon then
    return redis.error_reply('INCOMPATIBLE no generation')
end
-- Without one there is nobody who could say that it was not revoked.
if string.sub(kept, 1, colon - 1) ~= redis.call('GET', KEYS[2]) then
    return false
end
return string.sub(kept, colon + 1)
