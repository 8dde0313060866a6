-- KEYS[1] the tenant's set. ARGV: all its members from now on, each once. 1 changed, 0 the same as before.
local same = redis.call('SCARD', KEYS[1]) == #ARGV
for _, member in ipairs(ARGV) do
    same = same and redis.call('SISMEMBER', KEYS[1], member) == 1
end
if same then
    return 0
end
redis.call('DEL', KEYS[1])
redis.call('SADD', KEYS[1], unpack(ARGV))
return 1
