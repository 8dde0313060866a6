-- ARGV[1] the job  [2] the token  [3] the event  [4] how long it is kept.
local id = ARGV[1]
local record = held(id, ARGV[2])
if record and is_final(record) then
  release(record)
  record.job.told = ARGV[3]
  keep(id, record)
  redis.call('ZREM', LINE, id)
  redis.call('ZADD', ENDED, now + ARGV[4], id)
end
return true
