-- KEYS[1] the account's pin. ARGV: the version. The version that the account is pinned to from now on.
--
-- Not SET NX GET: a server whose memory is full refuses that for an account that is pinned, too.
local pinned = redis.call('GET', KEYS[1])
if pinned then
    return pinned
end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
