-- ARGV[1] the job  [2] the token  [3] after which time it can be claimed.
local id = ARGV[1]
local record = held(id, ARGV[2])
if record then
  release(record)
  if not is_final(record) then
    record.job.attempts = record.job.attempts - 1
    change(record, { status = 'queued' })
  end
  redis.call('ZADD', LINE, now + ARGV[3], id)
  keep(id, record)
end
return true
