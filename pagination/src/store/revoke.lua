-- KEYS[1] how often the owner's cursors were revoked. ARGV: milliseconds.
redis.call('INCR', KEYS[1])
-- By then those that were kept before are gone.
redis.call('PEXPIRE', KEYS[1], 2 * ARGV[1])
return 1
