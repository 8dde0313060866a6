-- ARGV[1] the job.
sweep()
return redis.call('HGET', RESULTS, ARGV[1])
