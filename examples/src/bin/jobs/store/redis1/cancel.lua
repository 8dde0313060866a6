-- ARGV[1] the job.
local id = ARGV[1]
local record = find(id)
if not record then
  return false
end
if not is_final(record) then
  release(record)
  change(record, { status = 'cancelled' })
  shrink(id, record)
  redis.call('ZADD', LINE, now, id)
  keep(id, record)
end
return cjson.encode(record.job)
