-- KEYS[1] the account's pin. ARGV: from which version, to which.
-- The version that the account is pinned to from now on, nil if to none.
local pinned = redis.call('GET', KEYS[1])
if pinned == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2])
    return ARGV[2]
end
return pinned
