-- KEYS[1] the cursor, [2] how often its owner's were revoked. ARGV: what it says, milliseconds.
local generation = redis.call('GET', KEYS[2]) or '0'
redis.call('SET', KEYS[1], generation .. ':' .. ARGV[1], 'PX', ARGV[2])
-- It has to be known for as long as a cursor of it is kept. Without one there is nothing to keep.
redis.call('PEXPIRE', KEYS[2], 2 * ARGV[2], 'GT')
return 1
