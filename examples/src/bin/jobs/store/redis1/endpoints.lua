-- ARGV[1] the account.
return redis.call('HGET', ENDPOINTS, ARGV[1])
