-- ARGV[1] the job  [2] the token  [3] the lease  [4] the progress, or nothing.
local id = ARGV[1]
local record = held(id, ARGV[2])
if not record then
  return false
end
redis.call('ZADD', LINE, now + ARGV[3], id)
if ARGV[4] ~= '' and not is_final(record) then
  change(record, { status = 'running', progress = tonumber(ARGV[4]) })
  keep(id, record)
end
return cjson.encode(record.job)
