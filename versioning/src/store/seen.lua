-- KEYS[1] the version's users. ARGV: the account, the second, the last rank that is forgotten.
redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, ARGV[3])
