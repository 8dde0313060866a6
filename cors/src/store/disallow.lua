-- KEYS[1] the tenant's set. ARGV: the origin. 1 removed, 0 not there.
if redis.call('SREM', KEYS[1], ARGV[1]) == 0 then
    return 0
end
-- A set that was made by hand may have lost its last member, and the tenant is still known.
redis.call('SADD', KEYS[1], '')
return 1
