-- KEYS[1] the cursor, [2] how often its owner's were revoked. What it says, nil if it is of no use.
local kept = redis.call('GET', KEYS[1])
if not kept then
    return kept
end
local colon = string.find(kept, ':', 1, true)
if string.sub(kept, 1, colon - 1) ~= (redis.call('GET', KEYS[2]) or '0') then
    return false
end
return string.sub(kept, colon + 1)
