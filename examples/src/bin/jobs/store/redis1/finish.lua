-- ARGV[1] the job  [2] the token  [3] the lease  [4] the state  [5] the result, if there is one.
local id = ARGV[1]
local record = held(id, ARGV[2])
if not record then
  return false
end
if not is_final(record) then
  change(record, cjson.decode(ARGV[4]))
  shrink(id, record, ARGV[5])
  if ARGV[5] then
    redis.call('HSET', RESULTS, id, ARGV[5])
  end
  redis.call('ZADD', LINE, now + ARGV[3], id)
  keep(id, record)
end
return cjson.encode(record.job)
