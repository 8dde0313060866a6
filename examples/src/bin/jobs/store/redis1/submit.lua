-- Makes a job, unless there is one of this id. ARGV[1] the job  [2] its image  [3] its room; the most [4] in line,
-- [5] of one account and [6] of room.
sweep()
local job = cjson.decode(ARGV[1])
local known = find(job.id)
if known then
  local one, other = known.job.order, job.order
  local is_same = known.job.account == job.account and one.digest == other.digest and one.format == other.format
    and one.width == other.width and one.height == other.height
  return is_same and cjson.encode(known.job) or 'other'
end
local of_one = redis.call('ZLEXCOUNT', INDEX, '[' .. job.account .. '/', '[' .. job.account .. '/~')
if of_one >= tonumber(ARGV[5]) then
  return 'too-many'
end
if redis.call('ZCARD', LINE) >= tonumber(ARGV[4]) then
  return 'line-full'
end
local room = tonumber(ARGV[3])
if tonumber(redis.call('GET', ROOM) or 0) + room > tonumber(ARGV[6]) then
  return 'no-room'
end
job.created_at = now
local record = { job = job, room = room }
keep(job.id, record)
redis.call('HSET', IMAGES, job.id, ARGV[2])
redis.call('INCRBY', ROOM, room)
redis.call('ZADD', INDEX, 0, place(record))
redis.call('ZADD', LINE, now, job.id)
return cjson.encode(job)
